//! Returns, downgrades, synchronised expiries and spread requests: what they become, and every refusal with its place.

use super::{POSTPAID, assert_refused, parsed};
use crate::engine::input::Flag;
use crate::engine::policy::{AllowedChange, Exclusion};

const PREPAID: &str = concat!(
    include_str!("prepaid.toml"),
    r#"
[renewal.downgrade]
days_before = 15
until_expiry = ["instance_type", "bandwidth"]
after_expiry = ["bandwidth"]
changes = { bandwidth = { from = ["10"], to = ["1", "5"] } }

[expiry_sync]
first_day = 1
last_day = 28

[[phase]]
name = "bin"
class = "retained"

[[step]]
from = "bin"
to = "released"
at = { from = "entry", after = "7d" }
when = { entered_by = "return" }

[[recovery]]
from = "bin"
to = "active"
when = "renewed"

[returns]
bin = "bin"
within_days = 5
unconditional = 1
ordinary = 3
voucher_valid_for_years = 2
never = { flags = ["suspicious"] }
never_ordinary = { families = ["FX2"], zones = ["far"], flags = ["promotional"] }

[returns.to_bin]
actions = ["shutdown"]
"#
);

#[test]
fn returns_downgrades_and_synchronised_expiries_become_what_the_engine_interprets() {
    let policy = parsed(PREPAID);
    let returns = policy.returns.expect("there");
    assert_eq!(returns.bin.as_str(), "bin");
    assert_eq!((returns.within_days, returns.unconditional, returns.ordinary), (5, 1, 3));
    assert_eq!(returns.voucher_years, 2);
    let never = Exclusion { flags: vec![Flag::Suspicious], ..Exclusion::default() };
    assert_eq!(returns.never, never);
    let never_ordinary = Exclusion {
        families: vec!["FX2".into()],
        zones: vec!["far".into()],
        flags: vec![Flag::Promotional],
    };
    assert_eq!(returns.never_ordinary, never_ordinary);
    assert_eq!(returns.to_bin.actions, ["shutdown"]);
    let downgrade = policy.renewal.and_then(|renewal| renewal.downgrade).expect("there");
    assert_eq!(downgrade.days_before, 15);
    assert_eq!(downgrade.until_expiry, ["instance_type", "bandwidth"]);
    assert_eq!(downgrade.after_expiry, ["bandwidth"]);
    let change = AllowedChange { from: vec!["10".into()], to: vec!["1".into(), "5".into()] };
    assert_eq!(downgrade.changes.get("bandwidth"), Some(&change));
    let sync = policy.expiry_sync.expect("there");
    assert_eq!((sync.first_day, sync.last_day), (1, 28));
}

#[test]
fn what_is_wrong_with_them_is_answered_with_its_place() {
    for (right, wrong, answer) in CASES {
        assert_refused(PREPAID, right, wrong, answer);
    }
}

#[test]
fn they_belong_to_the_clock_of_expiry() {
    let sync = "\n[expiry_sync]\nfirst_day = 1\nlast_day = 28\n\n[balance_check]";
    assert_refused(
        POSTPAID,
        "\n[balance_check]",
        sync,
        &["x.toml:54:1: [expiry_sync] needs clock = \"expiry\""],
    );
}

#[test]
fn nothing_waits_for_returns_that_do_not_happen() {
    let step = "[[step]]\nfrom = \"stopped\"\nto = \"released\"\nat = { from = \"entry\", after = \"9d\" }\n\
                when = { entered_by = \"return\" }\n\n[[recovery]]";
    let answer = ["x.toml:32:8: nothing is returned under this policy; expected a [returns]"];
    assert_refused(include_str!("prepaid.toml"), "[[recovery]]", step, &answer);
}

#[rustfmt::skip]
const CASES: &[(&str, &str, &[&str])] = &[
    (r#"bin = "bin""#, r#"bin = "stopped""#, &[
        r#"x.toml:82:7: `stopped` cannot be the bin of a return; expected a phase of class retained"#,
    ]),
    (r#"entered_by = "return""#, r#"entered_by = "request""#, &[
        r#"x.toml:82:7: no step empties the bin of a return, `bin`; expected a [[step]] with when = { entered_by = "return" } to a final phase"#,
    ]),
    ("unconditional = 1", "unconditional = -1", &[
        r#"x.toml:84:17: `-1` is out of range; expected a whole number from 0 to 1000000"#,
    ]),
    (r#"flags = ["suspicious"]"#, r#"flags = ["suspect"]"#, &[
        r#"x.toml:87:20: `suspect` is no flag; expected one of promotional, converted_from_postpaid, suspicious (did you mean `suspicious`?)"#,
    ]),
    ("last_day = 28", "last_day = 29", &[
        r#"x.toml:64:12: `29` is out of range; expected a whole number from 1 to 28"#,
    ]),
    ("first_day = 1", "first_day = 30", &[
        r#"x.toml:63:13: `30` is out of range; expected a whole number from 1 to 28"#,
    ]),
    ("first_day = 1\nlast_day = 28", "first_day = 9\nlast_day = 8", &[
        r#"x.toml:62:1: `first_day` comes after `last_day`"#,
    ]),
    ("changes = { bandwidth", "changes = { bandwith", &[
        r#"x.toml:60:13: `bandwith` cannot change at all; expected a field of `until_expiry` or `after_expiry` (did you mean `bandwidth`?)"#,
    ]),
    ("after_expiry = [\"bandwidth\"]\n", "", &[
        r#"x.toml:56:1: `after_expiry` is missing in [renewal.downgrade]"#,
    ]),
    ("window = { until = \"18:00\" }", "window = { until = \"18:00\" }\nspread = \"11h\"", &[
        r#"x.toml:50:10: spread over more than the window of an attempt"#,
    ]),
    ("[returns.to_bin]", "[returns.to_bim]", &[
        r#"x.toml:81:1: `to_bin` is missing in [returns]"#,
        r#"x.toml:90:10: unknown key `to_bim` in [returns]; expected one of bin, within_days, unconditional, ordinary, voucher_valid_for_years, never, never_ordinary, to_bin (did you mean `to_bin`?)"#,
    ]),
];
