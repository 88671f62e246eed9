//! What the tests stand on: real servers that a test starts, cuts off and kills.

pub(crate) mod dunlin;
pub(crate) mod events;
pub(crate) mod foreign;
pub(crate) mod mailbox;
pub(crate) mod node;
pub(crate) mod patience;
pub(crate) mod proxy;
pub(crate) mod python;
pub(crate) mod rabbit;
pub(crate) mod smtp;
