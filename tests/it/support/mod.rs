//! What the tests stand on: real servers that a test starts, cuts off and kills.

pub(crate) mod proxy;
pub(crate) mod python;
pub(crate) mod rabbit;
pub(crate) mod smtp;
