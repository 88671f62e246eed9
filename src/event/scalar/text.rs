//! Ids, names and free text. Ids are taken as they are or refused; texts for people are cleaned of what could mislead.

use serde_json::{Value, json};

use super::Scalar;
use crate::engine::id::{AccountId, NoticeKind, PhaseName, PolicyId, ResourceId};
use crate::event::refusal::RefusalCode;

/// Longest id, in bytes.
pub(in crate::event) const ID_BYTES_MAX: usize = 256;
/// Longest id of a policy, in bytes: it becomes part of a routing key, which AMQP limits to 255.
const POLICY_BYTES_MAX: usize = 128;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 512;
/// Longest free text, in bytes.
const TEXT_BYTES_MAX: usize = 4096;
/// Longest language tag, in bytes (RFC 5646 §4.4.1 asks for 35 at least).
const LOCALE_BYTES_MAX: usize = 35;

/// Matches text without control characters and line separators.
const PLAIN: &str = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$";

/// An opaque id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::event) struct Id(String);

/// The id of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::event) struct PolicyName(String);

/// What somebody or something is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::event) struct Name(String);

/// A free text of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::event) struct Text(String);

/// A BCP 47 language tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::event) struct Locale(String);

/// Checks an id: not empty, not over-long, no control characters.
pub(in crate::event) fn check_id(text: &str) -> Result<(), &'static str> {
    check(text, ID_BYTES_MAX)?;
    if text.trim().is_empty() { Err("it is empty") } else { Ok(()) }
}

fn check(text: &str, bytes_max: usize) -> Result<(), &'static str> {
    if text.len() > bytes_max {
        return Err("it is too long");
    }
    if text.chars().any(breaks_lines) {
        return Err("it holds a control character or a line break");
    }
    Ok(())
}

/// Control characters and the separators that some programs take for a line break.
pub(in crate::event) fn breaks_lines(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')
}

/// Characters that show nothing, or turn the direction of what follows: a name must not rearrange the notice around it.
fn misleads(char: char) -> bool {
    matches!(
        char,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
    )
}

impl Scalar for Id {
    const CODE: RefusalCode = RefusalCode::Text;
    const EXPECTED: &'static str = "an id of 1 to 256 bytes without control characters";

    fn parse(text: &str) -> Result<Self, &'static str> {
        check_id(text).map(|()| Self(text.to_owned()))
    }

    fn schema() -> Value {
        json!({"type": "string", "minLength": 1, "maxLength": ID_BYTES_MAX, "pattern": PLAIN})
    }
}

impl Scalar for PolicyName {
    const CODE: RefusalCode = RefusalCode::Text;
    const EXPECTED: &'static str =
        "the id of a policy, of 1 to 128 bytes without control characters";

    fn parse(text: &str) -> Result<Self, &'static str> {
        check_id(text)?;
        check(text, POLICY_BYTES_MAX).map(|()| Self(text.to_owned()))
    }

    fn schema() -> Value {
        json!({"type": "string", "minLength": 1, "maxLength": POLICY_BYTES_MAX, "pattern": PLAIN})
    }
}

impl Scalar for Name {
    const CODE: RefusalCode = RefusalCode::Text;
    const EXPECTED: &'static str = "a name of 1 to 512 bytes without control characters";

    fn parse(text: &str) -> Result<Self, &'static str> {
        check(text, NAME_BYTES_MAX)?;
        let name: String = text.chars().filter(|char| !misleads(*char)).collect();
        let name = name.trim();
        if name.is_empty() { Err("it is empty") } else { Ok(Self(name.to_owned())) }
    }

    fn schema() -> Value {
        json!({"type": "string", "minLength": 1, "maxLength": NAME_BYTES_MAX, "pattern": PLAIN})
    }
}

impl Scalar for Text {
    const CODE: RefusalCode = RefusalCode::Text;
    const EXPECTED: &'static str = "a text of at most 4096 bytes";

    fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > TEXT_BYTES_MAX {
            return Err("it is too long");
        }
        let shown = text.chars().filter(|char| !misleads(*char));
        Ok(Self(shown.map(|char| if breaks_lines(char) { ' ' } else { char }).collect()))
    }

    fn schema() -> Value {
        json!({"type": "string", "maxLength": TEXT_BYTES_MAX})
    }
}

impl Scalar for Locale {
    const CODE: RefusalCode = RefusalCode::Text;
    const EXPECTED: &'static str = "a BCP 47 language tag";

    fn parse(text: &str) -> Result<Self, &'static str> {
        let subtag = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let first = text.split('-').next().unwrap_or_default();
        let language = first.len() >= 2 && first.bytes().all(|byte| byte.is_ascii_alphabetic());
        if text.len() <= LOCALE_BYTES_MAX && language && text.split('-').all(subtag) {
            Ok(Self(text.to_owned()))
        } else {
            Err("it is not of the form language[-script][-region]")
        }
    }

    fn schema() -> Value {
        json!({
            "type": "string",
            "maxLength": LOCALE_BYTES_MAX,
            "pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$",
        })
    }
}

macro_rules! into {
    ($($from:ident => $($to:ident),+;)+) => {$($(
        impl From<$from> for $to {
            fn from(text: $from) -> Self {
                $to::from(text.0)
            }
        }
    )+)+};
}

into! { Id => String; PolicyName => String; Name => String; Text => String; Locale => String; }

macro_rules! name_engine_ids {
    ($($from:ident => $to:ident),+ $(,)?) => {$(
        impl From<$from> for $to {
            fn from(id: $from) -> Self {
                Self::new(id.0)
            }
        }
    )+};
}

name_engine_ids! {
    Id => AccountId, Id => ResourceId, Id => PhaseName, Id => NoticeKind, PolicyName => PolicyId,
}

impl Id {
    pub(in crate::event) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_plain_and_not_empty() {
        assert!(Id::parse("ins-1:20171208T160000Z:1").is_ok());
        assert!(Id::parse(&"x".repeat(256)).is_ok());
        for text in ["", "  ", "a\nb", "a\0", "a\u{85}b", "a\u{2028}b", &"x".repeat(257)] {
            assert!(Id::parse(text).is_err(), "{text:?}");
        }
        assert!(PolicyName::parse(&"x".repeat(129)).is_err());
    }

    #[test]
    fn a_name_loses_what_turns_or_hides_text_and_keeps_its_script() {
        let name = |text: &str| Name::parse(text).map(String::from);
        assert_eq!(name("上海 Acme\u{202e}gpj.exe\u{200b}"), Ok("上海 Acmegpj.exe".to_owned()));
        assert!(name("Ann\r\nBcc: x").is_err());
        assert!(name("\u{200b}").is_err());
    }

    #[test]
    fn a_free_text_is_put_on_one_line() {
        assert_eq!(Text::parse("no\nfunds").map(String::from), Ok("no funds".to_owned()));
    }

    #[test]
    fn a_locale_is_a_language_tag() {
        for tag in ["en", "zh-Hans-CN", "de-1996"] {
            assert!(Locale::parse(tag).is_ok(), "{tag}");
        }
        for tag in ["", "e", "../etc", "en_US", "en-", "zh/..", "a-b"] {
            assert!(Locale::parse(tag).is_err(), "{tag}");
        }
    }
}
