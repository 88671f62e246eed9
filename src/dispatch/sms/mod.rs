//! Texts: to a file, to an e-mail-to-SMS gateway, or to any HTTP gateway.
//!
//! Renders nothing, counts no segments, retries nothing. The vendors' own APIs come beside these.

mod email_gateway;
mod file;
mod http;
mod settings;
mod template;
mod verdict;

pub use email_gateway::EmailGatewaySms;
pub use file::FileSms;
pub use http::HttpSms;
pub use settings::{
    BodyKind, EmailGatewaySettings, HttpMethod, HttpSmsSettings, ParamsShape, SmsKind, SmsSettings,
    SmsSettingsError,
};

use crate::dispatch::message::{Fault, Outcome};

fn failed(fault: Fault, reason: impl Into<String>) -> Outcome {
    Outcome::Failed { fault, reason: reason.into(), retry_after_secs: None }
}
