//! Quiet hours: texts wait for their end, e-mail does not, and what was decided stands where it was decided.

use dunlin::engine::policy::{Channel, PolicySet};

use super::world::{activated, at, balance, named, policy, refusal, run, story};

const POLICY: &str = r#"
id = "own"
version = 1
title = "Own"
zone = "Asia/Shanghai"
clock = "expiry"
[quiet_hours]
from = "21:00"
until = "08:00"
channels = ["sms"]
[[phase]]
name = "active"
class = "working"
[[phase]]
name = "gone"
class = "gone"
[[notice]]
kind = "warning"
slots = { from = "expiry", after = ["-1d"] }
channels = ["email", "sms"]
"#;

/// When the e-mail and the text of the warning a day before `expiry` may go out.
fn due(text: &str, expiry: &str) -> (String, String) {
    let told = [("2026-03-01T00:00:00Z", activated("own", Some(expiry)))];
    let story = story(text, &told, "2026-04-01T00:00:00Z");
    let notice = story.of("warning")[0];
    assert_eq!(notice.at, at(expiry) - chrono::TimeDelta::days(1));
    let by = |channel| notice.due_at(channel).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    (by(Channel::Email), by(Channel::Sms))
}

#[test]
fn a_text_waits_from_the_first_quiet_instant_to_the_last() {
    let morning = "2026-03-10T00:00:00Z";
    for (expiry, text_at) in [
        ("2026-03-10T12:59:59Z", "2026-03-09T12:59:59Z"), // 20:59:59
        ("2026-03-10T13:00:00Z", morning),
        ("2026-03-10T16:30:00Z", morning), // 00:30
        ("2026-03-10T23:59:59Z", morning),
        ("2026-03-11T00:00:00Z", morning), // 08:00: at once
        ("2026-03-11T00:00:01Z", "2026-03-10T00:00:01Z"),
    ] {
        let mailed = (at(expiry) - chrono::TimeDelta::days(1))
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        assert_eq!(due(POLICY, expiry), (mailed, text_at.to_owned()), "{expiry}");
    }
}

#[test]
fn a_channel_that_is_not_named_does_not_wait() {
    let mailed =
        POLICY.replace("channels = [\"sms\"]\n[[phase]]", "channels = [\"email\"]\n[[phase]]");
    let (email, text) = due(&mailed, "2026-03-10T16:30:00Z");
    assert_eq!((email.as_str(), text.as_str()), ("2026-03-10T00:00:00Z", "2026-03-09T16:30:00Z"));
}

#[test]
fn a_notice_about_two_policies_waits_for_the_longer_night() {
    let arrears = |id: &str, until: &str| {
        policy(&format!(
            r#"
id = "{id}"
version = 1
title = "Own"
zone = "Asia/Shanghai"
clock = "arrears"
[quiet_hours]
from = "21:00"
until = "{until}"
channels = ["sms"]
[[phase]]
name = "active"
class = "working"
[[phase]]
name = "gone"
class = "gone"
[[notice]]
kind = "arrears"
on = "arrears"
channels = ["email", "sms"]
"#
        ))
    };
    for (first, second) in [("08:00", "09:30"), ("09:30", "08:00")] {
        let mut set = PolicySet::default();
        set.insert(arrears("one", first));
        set.insert(arrears("two", second));
        let start = "2026-03-01T00:00:00Z";
        let told = [
            (start, balance(5)),
            (start, named("ins-1", "one")),
            (start, named("ins-2", "two")),
            ("2026-03-05T14:00:00Z", balance(-1)),
        ];
        let story = run(&set, &told, "2026-03-06T00:00:00Z");
        let [notice] = story.of("arrears")[..] else { panic!("one notice") };
        assert_eq!(notice.items.len(), 2);
        assert_eq!(notice.due_at(Channel::Sms), at("2026-03-06T01:30:00Z"));
        assert_eq!(notice.due_at(Channel::Email), at("2026-03-05T14:00:00Z"));
    }
}

#[test]
fn quiet_hours_are_read_with_the_place_of_every_mistake() {
    for (right, wrong, said) in [
        (
            "until = \"08:00\"",
            "until = \"21:00\"",
            "test.toml:7:1: quiet hours that begin when they end; expected two times of day",
        ),
        ("until = \"08:00\"\n", "", "test.toml:7:1: `until` is missing in [quiet_hours]"),
        (
            "from = \"21:00\"",
            "from = \"9pm\"",
            "test.toml:8:8: `9pm` is no time of day; expected a local time in quotes, such as \"10:00\"",
        ),
        (
            "channels = [\"sms\"]\n[[phase]]",
            "channels = []\n[[phase]]",
            "test.toml:10:12: a notice goes out by each channel once; expected \"email\", \"sms\" or both",
        ),
        (
            "until =",
            "to =",
            "test.toml:7:1: `until` is missing in [quiet_hours]\ntest.toml:9:1: unknown key `to` in [quiet_hours]; expected one of from, until, channels",
        ),
    ] {
        assert_eq!(refusal(&POLICY.replacen(right, wrong, 1)), said);
    }
}
