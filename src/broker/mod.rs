//! RabbitMQ: sessions, topology, confirms and the state of the link. The only home of `lapin` beside
//! `intake` and `dispatch::publish`.
//!
//! lapin's own recovery is off: it keeps silent and gives up. Each side (consuming, publishing) owns one
//! connection, whose life is a *session*; whatever goes wrong ends the session, drops everything in it and
//! starts the next, for ever.
//!
//! Knows no event: bytes in, bytes out.

pub(crate) mod confirm;
pub(crate) mod consume;
mod error;
mod health;
pub(crate) mod ledger;
pub(crate) mod link;
pub(crate) mod mark;
pub(crate) mod properties;
mod settings;
mod shift;
pub(crate) mod supervise;
pub mod tools;
mod topology;
mod uri;

pub use error::BrokerError;
pub use health::{BrokerHealth, BrokerState, Side, SideState};
pub use mark::{MarkTask, Token};
pub use settings::{
    BrokerSettings, DeadLetterSettings, InputExchangeType, InputSettings, LinkSettings,
    OutputSettings, QueueSettings, SettingsProblem, TopologyMode,
};
pub(crate) use topology::ensure;
pub use topology::verify;
