//! E-mail: a rendered message to bytes, and the bytes to a relay or to files.
//!
//! The only place that names `lettre`. Renders nothing, retries nothing, remembers nothing but open connections.

mod file;
mod mime;
mod pool;
mod reply;
mod session;
mod settings;
mod smtp;
mod wire;

pub use file::FileEmail;
pub use mime::{Encoded, Sender, Unencodable};
pub(in crate::dispatch) use mime::{address, hex};
pub(in crate::dispatch) use reply::clean;
pub use settings::{EmailSettings, EmailSettingsError, SmtpSettings, SmtpTimeouts, TlsMode};
pub use smtp::SmtpEmail;
