//! Where people are told. What could harm whoever uses it refuses the event; what merely is no usable address leaves the
//! contact without one, so that one typing error does not keep everybody else from being told (PRE-7).
//!
//! Conservative on purpose: quoted local parts, comments and address literals count as unusable.

use std::fmt;

use serde_json::{Value, json};

use super::Scalar;
use super::text::breaks_lines;
use crate::event::refusal::RefusalCode;

/// Longest e-mail address, in bytes (RFC 5321).
const EMAIL_BYTES_MAX: usize = 254;
/// Longest phone number looked at, in bytes.
const PHONE_BYTES_MAX: usize = 64;

/// An e-mail address, if it is one. `None` where the text is harmless and no address.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::event) struct Email(pub(in crate::event) Option<String>);

/// A phone number in E.164, if it is one. `None` where the text is harmless and no number.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::event) struct Phone(pub(in crate::event) Option<String>);

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

fn harmless(text: &str, bytes_max: usize) -> Result<(), &'static str> {
    if text.len() > bytes_max {
        Err("it is too long")
    } else if text.chars().any(breaks_lines) {
        Err("it holds a control character or a line break")
    } else {
        Ok(())
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    is_local_part(local) && is_domain(domain)
}

/// A dot-atom of RFC 5322.
fn is_local_part(local: &str) -> bool {
    let atom = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    local.len() <= 64 && local.split('.').all(atom)
}

/// Labels of letters, digits and hyphens, of any script: who sends turns them into ASCII.
fn is_domain(domain: &str) -> bool {
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|char| char.is_alphanumeric() || char == '-')
    };
    !domain.is_empty() && domain.split('.').all(label)
}

fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (7..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

impl Scalar for Email {
    const CODE: RefusalCode = RefusalCode::Address;
    const EXPECTED: &'static str = "an e-mail address of at most 254 bytes";

    fn parse(text: &str) -> Result<Self, &'static str> {
        harmless(text, EMAIL_BYTES_MAX)?;
        Ok(Self(is_email(text).then(|| text.to_owned())))
    }

    fn schema() -> Value {
        json!({
            "type": "string",
            "format": "idn-email",
            "maxLength": EMAIL_BYTES_MAX,
            "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$",
        })
    }
}

impl Scalar for Phone {
    const CODE: RefusalCode = RefusalCode::Address;
    const EXPECTED: &'static str = "a phone number as +, country code and number (E.164)";

    fn parse(text: &str) -> Result<Self, &'static str> {
        harmless(text, PHONE_BYTES_MAX)?;
        Ok(Self(is_e164(text).then(|| text.to_owned())))
    }

    fn schema() -> Value {
        json!({
            "type": "string",
            "maxLength": PHONE_BYTES_MAX,
            "description": "E.164; another form counts as no usable number",
            "examples": ["+8613800000001"],
            "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usable(text: &str) -> bool {
        Email::parse(text).is_ok_and(|email| email.0.is_some())
    }

    #[test]
    fn addresses_of_people_are_usable() {
        for text in ["ann@acc-1.example", "a.b+c@例え.jp", "o'neil@x.co", "root@localhost"] {
            assert!(usable(text), "{text}");
        }
    }

    #[test]
    fn what_could_harm_refuses_the_event() {
        for text in
            ["ann@x.example\r\nBcc: eve@x.example", "ann@x.example\0", "a\u{2028}@x.example"]
        {
            assert!(Email::parse(text).is_err(), "{text:?}");
            assert!(Phone::parse(text).is_err(), "{text:?}");
        }
        assert!(Email::parse(&format!("{}@x.example", "a".repeat(260))).is_err());
    }

    #[test]
    fn what_merely_is_no_address_leaves_the_contact_without_one() {
        for text in [
            "",
            "ann",
            "ann@",
            "@x.example",
            "a@b@c",
            "Ann <ann@x.example>",
            "ann@x..example",
            "ann@-x.example",
            "a b@x.example",
            "\"a\"@x.example",
            ".a@x.example",
            "ann@[127.0.0.1]",
            "ann,bob@x.example",
        ] {
            assert_eq!(Email::parse(text), Ok(Email(None)), "{text}");
        }
    }

    #[test]
    fn a_phone_number_is_e164_to_the_letter() {
        assert_eq!(Phone::parse("+8613800000001"), Ok(Phone(Some("+8613800000001".to_owned()))));
        for text in [
            "",
            "13800000001",
            "+0138000000",
            "+86 138 0000 0001",
            "+12345",
            "+1234567890123456",
            "+1800FLOWERS",
        ] {
            assert_eq!(Phone::parse(text), Ok(Phone(None)), "{text}");
        }
    }
}
