//! Raw deliveries and what becomes of them. Does not decode: bytes in, verdicts out.

use std::collections::BTreeMap;

/// One message as it came: from the broker, a file or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The body, untouched.
    pub body: Vec<u8>,
    /// AMQP `content_type`, if any.
    pub content_type: Option<String>,
    /// AMQP headers whose values are text, numbers or timestamps, as text.
    pub headers: BTreeMap<String, String>,
    /// The broker's validated `user_id`, if the publisher set one.
    pub user_id: Option<String>,
    /// Where it came from, for people: a queue and its delivery tag, or a file and its line.
    pub origin: String,
    /// What to acknowledge once the commit has returned.
    pub tag: Tag,
}

/// Names a delivery within one broker session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// Counts sessions: an acknowledgement never crosses into a later one.
    pub session: u64,
    /// The broker's delivery tag, or the line of a file.
    pub number: u64,
}
