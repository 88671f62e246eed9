//! A file that cannot be read is answered with line, column and what was expected.

use super::{POSTPAID, PREPAID, assert_refused};

/// The file, what is written wrong, how, and every line of the answer.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);

#[test]
fn what_cannot_be_read_is_answered_with_its_place_and_what_was_expected() {
    for (file, right, wrong, answer) in CASES {
        assert_refused(file, right, wrong, answer);
    }
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    (PREPAID, r#"title = "Small""#, r#"title = "Small"#, &[
        r#"x.toml:3:15: not TOML: invalid basic string, expected `"`"#,
    ]),
    (PREPAID, r#"id = "small""#, r#"id = "Small!""#, &[
        "x.toml:1:6: `Small!` is no policy id; expected lower-case letters, digits and `-`",
    ]),
    (PREPAID, "version = 1", "version = 0", &[
        "x.toml:2:11: `0` is out of range; expected a whole number from 1 to 4294967295",
    ]),
    (PREPAID, "version = 1", r#"version = "1""#, &[
        "x.toml:2:11: wrong type: text; expected a whole number from 1 to 4294967295",
    ]),
    (PREPAID, "title = \"Small\"\n", "", &[
        "x.toml:1:1: `title` is missing in the file",
    ]),
    (PREPAID, r#"title = "Small""#, r#"titel = "Small""#, &[
        "x.toml:1:1: `title` is missing in the file",
        "x.toml:3:1: unknown key `titel` in the file; expected one of id, version, title, zone, clock, calendar, quiet_hours, phase, notice, step, recovery, balance_check, renewal, charges, termination, returns, expiry_sync (did you mean `title`?)",
    ]),
    (PREPAID, r#"title = "Small""#, r#"title = " ""#, &[
        "x.toml:3:9: the text is empty",
    ]),
    (PREPAID, "Asia/Shanghai", "Asia/Shangai", &[
        "x.toml:4:8: `Asia/Shangai` is no time zone; expected an IANA name such as `Asia/Shanghai` (did you mean `Asia/Shanghai`?)",
    ]),
    (PREPAID, r#"clock = "expiry""#, r#"clock = "expire""#, &[
        "x.toml:5:9: `expire` is no clock; expected one of expiry, arrears (did you mean `expiry`?)",
    ]),
    (PREPAID, r#"class = "suspended""#, r#"class = "suspend""#, &[
        "x.toml:13:9: `suspend` is no class; expected one of working, unpaid, suspended, retained, gone (did you mean `suspended`?)",
    ]),
    (PREPAID, r#"name = "stopped""#, r#"name = "active""#, &[
        "x.toml:12:8: there is already a phase `active`",
    ]),
    (PREPAID, r#"name = "stopped""#, r#"name = "Stopped""#, &[
        "x.toml:12:8: `Stopped` is no phase name; expected lower-case letters and `_`",
    ]),
    (PREPAID, "[[phase]]\nname = \"active\"", "[[phases]]\nname = \"active\"", &[
        "x.toml:7:3: unknown key `phases` in the file; expected one of id, version, title, zone, clock, calendar, quiet_hours, phase, notice, step, recovery, balance_check, renewal, charges, termination, returns, expiry_sync (did you mean `phase`?)",
        "x.toml:20:8: `active` is no phase of this policy; expected one of stopped, released",
        "x.toml:33:6: `active` is no phase of this policy; expected one of stopped, released",
        "x.toml:39:11: `active` is no phase of this policy; expected one of stopped, released",
        "x.toml:50:11: `active` is no phase of this policy; expected one of stopped, released",
    ]),
    (PREPAID, "from = \"active\"\nto = \"stopped\"", "from = \"activ\"\nto = \"stopped\"", &[
        "x.toml:20:8: `activ` is no phase of this policy; expected one of active, stopped, released (did you mean `active`?)",
    ]),
    (PREPAID, "from = \"active\"\nto = \"stopped\"", "form = \"active\"\nto = \"stopped\"", &[
        "x.toml:19:1: `from` is missing in [[step]]",
        "x.toml:20:1: unknown key `form` in [[step]]; expected one of from, to, at, when, actions, detach, destroy, retain, retain_billable, notice, irreversible, proof, rules (did you mean `from`?)",
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, r#"at = "expiry""#, &[
        "x.toml:22:6: wrong type: text; expected a table",
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, r#"at = { from = "expiry", after = "7days" }"#, &[
        r#"x.toml:22:33: `7days` is no duration; expected days, hours, minutes, seconds, such as "7d", "-1d", "1h30m""#,
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, r#"at = { from = "expiry", after = 7 }"#, &[
        r#"x.toml:22:33: wrong type: a whole number; expected days, hours, minutes, seconds, such as "7d", "-1d", "1h30m""#,
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, r#"at = { from = "expiry", after = "2h1d" }"#, &[
        r#"x.toml:22:33: `2h1d` is no duration; expected days, hours, minutes, seconds, such as "7d", "-1d", "1h30m""#,
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, r#"at = { from = "expiry", day = 8 }"#, &[
        "x.toml:22:6: half of a wall-clock time; expected both `day` and `time`",
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, r#"at = { from = "expiry", day = 8, time = "24:00" }"#, &[
        r#"x.toml:22:41: `24:00` is no time of day; expected a local time in quotes, such as "10:00""#,
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, r#"at = { from = "expiry", day = 8, time = 08:00:00 }"#, &[
        r#"x.toml:22:41: wrong type: a date or time without quotes; expected a local time in quotes, such as "10:00""#,
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, r#"at = { from = "expiry", after = "1d", day = 8, time = "00:00" }"#, &[
        "x.toml:22:6: both `after` and a wall-clock time; expected either `after`, or `day` and `time`",
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, "at = { from = [] }", &[
        "x.toml:22:15: a deadline needs something to count from",
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, "at = { from = \"expiry\" }\nwhen = { auto_renew = \"yes\" }", &[
        "x.toml:23:23: wrong type: text; expected true or false",
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, "at = { from = \"expiry\" }\nwhen = { entered_by = \"returned\" }", &[
        "x.toml:23:23: `returned` is no cause; expected one of start, clock, recovery, termination, return, request, import (did you mean `return`?)",
    ]),
    (PREPAID, r#"actions = ["shutdown"]"#, r#"actions = ["shut-down"]"#, &[
        "x.toml:23:12: `shut-down` is no action; expected lower-case letters and `_`",
    ]),
    (PREPAID, r#"actions = ["shutdown"]"#, r#"actions = "shutdown""#, &[
        "x.toml:23:11: wrong type: text; expected a list of names",
    ]),
    (PREPAID, r#"when = "renewed""#, r#"when = "paid""#, &[
        "x.toml:34:8: `paid` is no condition; expected one of renewed, balance >= 0, balance > 0",
    ]),
    (PREPAID, r#"channels = ["email"]"#, r#"channels = ["e-mail"]"#, &[
        "x.toml:40:13: `e-mail` is no channel; expected one of email, sms (did you mean `email`?)",
    ]),
    (PREPAID, r#"channels = ["email"]"#, "channels = []", &[
        r#"x.toml:40:12: a notice goes out by each channel once; expected "email", "sms" or both"#,
    ]),
    (PREPAID, "slots = { from = \"expiry\", after = [\"-3d\", \"-1d\"] }\n", "", &[
        r#"x.toml:36:1: a [[notice]] says when: `slots` or `on` is missing; expected `slots = { from, after }` or `on = "step"`"#,
    ]),
    (PREPAID, r#"after = ["-3d", "-1d"]"#, r#"after = ["-1d", "-3d"]"#, &[
        "x.toml:38:36: slots out of order; expected at least one, each later than the one before",
    ]),
    (PREPAID, r#"{ day = 0, time = "08:00" }]"#, r#"{ day = -1, time = "08:00" }]"#, &[
        "x.toml:48:12: attempts out of order; expected at least one, each later than the one before",
    ]),
    (PREPAID, r#"until = "18:00""#, r#"until = "08:00""#, &[
        "x.toml:49:10: the window closes before the attempt of day -1 at 08:00",
    ]),
    (PREPAID, r#"window = { until = "18:00" }"#, r#"window = "midnight""#, &[
        r#"x.toml:49:10: `midnight` is no window; expected "expiry" or { until = "18:00" }"#,
    ]),
    (PREPAID, r#""1-9""#, r#""9-1""#, &[
        r#"x.toml:53:11: `9-1` is no range of months; expected a number of months, or a range such as "1-9""#,
    ]),
    (PREPAID, r#""same_time""#, r#""midnight""#, &[
        "x.toml:54:18: `midnight` is no end of a term; expected one of same_time, midnight_after (did you mean `midnight_after`?)",
    ]),
    (POSTPAID, r#"under = "5d""#, r#"under = "0d""#, &[
        "x.toml:56:9: a length of time must be above zero",
    ]),
    (POSTPAID, r#"at_least = "1h""#, r#"at_least = "25h""#, &[
        "x.toml:54:1: `at_least` is longer than `over`",
    ]),
    (POSTPAID, r#"bin = "bin""#, r#"bin = "stopped""#, &[
        "x.toml:62:7: `stopped` cannot be the bin of a termination; expected a phase of class retained",
    ]),
];
