//! Why an event was not taken in, said so that its sender can mend it. Never carries a value of the event: what was
//! expected and where is enough, and the value may be somebody's address.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Error, Expected, Unexpected};

use crate::engine::id::{AccountId, EventKey};

/// Why an event goes to quarantine. As much of its identity as could be read goes with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", .field.as_deref().map(|field| format!("{field}: ")).unwrap_or_default())]
pub struct Refusal {
    /// What kind of mistake: a label for metrics.
    pub code: RefusalCode,
    /// Where, as a JSON pointer into the structured form (`/data/balance`), also for an event in binary mode.
    pub field: Option<String>,
    /// What is wrong and what was expected, for people. No value of the event.
    pub reason: String,
    /// Which event, if its `source` and `id` could be read.
    pub key: Option<EventKey>,
    /// Its `type`, if it could be read; any text.
    pub event_type: Option<String>,
    /// Whose, if that could be read.
    pub account: Option<AccountId>,
    /// Its `time` (UTC), if it could be read.
    pub time: Option<DateTime<Utc>>,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $label:literal),+ $(,)?) => {
        /// The closed set of mistakes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RefusalCode {
            $($(#[$doc])* $name,)+
        }

        impl RefusalCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name in metrics and in the quarantine table.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)+
                }
            }
        }
    };
}

codes! {
    /// The body is over the size limit.
    TooLarge = "too_large",
    /// The body is nested too deeply.
    TooDeep = "too_deep",
    /// The body is not JSON.
    NotJson = "not_json",
    /// A key occurs twice in one object: nobody can say which value is meant.
    DuplicateKey = "duplicate_key",
    /// Several events in one message.
    Batch = "batch",
    /// Not a CloudEvent 1.0, or one without an attribute that is needed.
    NotCloudEvent = "not_cloudevent",
    /// A type that is not in spec §3.
    UnknownType = "unknown_type",
    /// A field is missing, of the wrong kind, or contradicts another one.
    Schema = "schema",
    /// An id or a text is empty, too long or holds control characters.
    Text = "text",
    /// Not an amount.
    Money = "money",
    /// Not a currency.
    Currency = "currency",
    /// Not an instant, or one outside of the years that make sense.
    Instant = "instant",
    /// An address or a phone number that could harm whoever uses it.
    Address = "address",
    /// Its source may not send it, or not with this login.
    NotAllowed = "not_allowed",
}

impl RefusalCode {
    /// The code of this label.
    pub(super) fn from_label(label: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.label() == label)
    }
}

/// A mistake at a place of an event, before it is known whose event it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) code: RefusalCode,
    /// JSON pointer, relative to where the reader is; grows towards the root.
    pub(super) path: String,
    pub(super) reason: String,
}

impl Trouble {
    pub(super) fn new(code: RefusalCode, path: &str, reason: impl Into<String>) -> Self {
        Self { code, path: path.to_owned(), reason: reason.into() }
    }

    /// The same mistake, seen from one level further up.
    pub(super) fn under(mut self, segment: &str) -> Self {
        self.path = format!("/{}{}", pointer_segment(segment), self.path);
        self
    }

    /// The mistake as the caller gets it, with what is known of the event.
    pub(super) fn refuse(self, identity: Identity) -> Refusal {
        Refusal {
            code: self.code,
            field: (!self.path.is_empty()).then_some(self.path),
            reason: self.reason,
            key: identity.key,
            event_type: identity.event_type,
            account: identity.account,
            time: identity.time,
        }
    }
}

/// What is known of an event that may turn out to be broken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) key: Option<EventKey>,
    pub(super) event_type: Option<String>,
    pub(super) account: Option<AccountId>,
    pub(super) time: Option<DateTime<Utc>>,
}

/// A name as one segment of a JSON pointer. Names that are not plain are not repeated: they may be anything.
fn pointer_segment(name: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.len() <= 64 && name.bytes().all(plain) { name } else { "?" }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

impl std::error::Error for Trouble {}

impl Error for Trouble {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::new(RefusalCode::Schema, "", reason.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {}", kind(&found)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("expected {}", one_of(expected)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom("this field is missing").under(field)
    }
}

/// A closed set of names, as a reason lists it.
pub(super) fn one_of(names: &[&str]) -> String {
    format!("one of {}", names.join(", "))
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Unit => "null",
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Str(_) => "a string",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_label_of_its_own() {
        for code in RefusalCode::ALL {
            assert_eq!(RefusalCode::from_label(code.label()), Some(*code));
        }
        assert_eq!(RefusalCode::from_label("nonsense"), None);
    }

    #[test]
    fn a_pointer_does_not_repeat_names_that_may_be_personal() {
        let trouble = Trouble::new(RefusalCode::Schema, "", "twice");
        assert_eq!(trouble.clone().under("balance").under("data").path, "/data/balance");
        assert_eq!(trouble.under("ann@acc-1.example").under("data").path, "/data/?");
    }

    #[test]
    fn it_reads_as_where_and_what() {
        let refusal = Trouble::new(RefusalCode::Money, "/data/balance", "expected an amount")
            .refuse(Identity::default());
        assert_eq!(refusal.to_string(), "/data/balance: expected an amount");
    }
}
