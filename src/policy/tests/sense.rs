//! A file that can be read and makes no sense is answered with the place where it does not.

use super::{POSTPAID, PREPAID, assert_refused, parsed};

/// The file, what is written wrong, how, and every line of the answer.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);

#[test]
fn what_makes_no_sense_is_answered_with_its_place() {
    for (file, right, wrong, answer) in CASES {
        assert_refused(file, right, wrong, answer);
    }
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    (PREPAID, r#"class = "working""#, r#"class = "unpaid""#, &[
        "x.toml:8:8: a resource starts in `active`; expected the first [[phase]] to be of class working",
    ]),
    (PREPAID, "name = \"released\"\nclass = \"gone\"", "name = \"released\"\nclass = \"retained\"", &[
        "x.toml:16:8: there is no final phase for what is removed elsewhere; expected a [[phase]] of class gone",
        "x.toml:16:8: nothing leads out of `released`; expected a [[step]] on or a [[recovery]] back",
    ]),
    (PREPAID, "[[recovery]]\nfrom = \"stopped\"", "[[recovery]]\nfrom = \"released\"", &[
        "x.toml:32:8: nothing comes out of `released`: its class is gone",
    ]),
    (PREPAID, "[[recovery]]\nfrom = \"stopped\"\nto = \"active\"", "[[recovery]]\nfrom = \"active\"\nto = \"released\"", &[
        "x.toml:33:6: no recovery leads to `released`: its class is gone",
    ]),
    (PREPAID, "from = \"active\"\nto = \"stopped\"", "from = \"active\"\nto = \"active\"", &[
        "x.toml:21:6: `active` leads to itself; expected another phase",
    ]),
    (PREPAID, "[[recovery]]", "[[step]]\nfrom = \"stopped\"\nto = \"active\"\nat = { from = \"entry\" }\n\n[[recovery]]", &[
        "x.toml:33:6: a step leads to the first phase, `active` (what brings a resource back is a [[recovery]])",
    ]),
    (PREPAID, "[[step]]\nfrom = \"active\"", "[[phase]]\nname = \"lost\"\nclass = \"retained\"\n\n[[step]]\nfrom = \"active\"", &[
        r#"x.toml:20:8: nothing leads to `lost`; expected a [[step]] with to = "lost""#,
        "x.toml:20:8: nothing leads out of `lost`; expected a [[step]] on or a [[recovery]] back",
    ]),
    (PREPAID, "[[step]]\nfrom = \"active\"", "[[phase]]\nname = \"limbo\"\nclass = \"suspended\"\n\n[[step]]\nfrom = \"active\"\nto = \"limbo\"\nat = { from = \"expiry\", after = \"1d\" }\n\n[[step]]\nfrom = \"active\"", &[
        "x.toml:20:8: nothing leads out of `limbo`; expected a [[step]] on or a [[recovery]] back",
    ]),
    (PREPAID, r#"slots = { from = "expiry", after = ["-3d", "-1d"] }"#, r#"on = "charge_failed""#, &[
        r#"x.toml:27:6: `stopped` to `released` loses data, and nobody is told before; expected a [[notice]] that comes before this step on every path to it (slots before it, on = "arrears", or a notice with an earlier step)"#,
    ]),
    (PREPAID, r#"after = ["-3d", "-1d"]"#, r#"after = ["1d"]"#, &[
        r#"x.toml:27:6: `stopped` to `released` loses data, and nobody is told before; expected a [[notice]] that comes before this step on every path to it (slots before it, on = "arrears", or a notice with an earlier step)"#,
        "x.toml:38:37: this slot of `warning` cannot fit (no resource is in one of its phases then, unless a hold keeps it)",
    ]),
    (PREPAID, "phases = [\"active\"]\nchannels", "phases = [\"stopped\"]\nchannels", &[
        r#"x.toml:27:6: `stopped` to `released` loses data, and nobody is told before; expected a [[notice]] that comes before this step on every path to it (slots before it, on = "arrears", or a notice with an earlier step)"#,
        "x.toml:38:37: this slot of `warning` cannot fit (no resource is in one of its phases then, unless a hold keeps it)",
        "x.toml:38:44: this slot of `warning` cannot fit (no resource is in one of its phases then, unless a hold keeps it)",
    ]),
    (PREPAID, r#"notice = "reclaimed""#, r#"notice = "reclaimd""#, &[
        r#"x.toml:29:10: no [[notice]] declares `reclaimd`; expected a [[notice]] with kind = "reclaimd" and on = "step" (did you mean `reclaimed`?)"#,
    ]),
    (PREPAID, r#"notice = "reclaimed""#, r#"notice = "warning""#, &[
        r#"x.toml:29:10: `warning` is declared with slots only; expected a [[notice]] with kind = "warning" and on = "step""#,
    ]),
    (PREPAID, "notice = \"reclaimed\"\n", "", &[
        "x.toml:42:8: `reclaimed` is never sent: no [[step]] names it",
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, r#"at = { from = "arrears" }"#, &[
        r#"x.toml:22:15: `arrears` never happens under clock = "expiry"; expected `expiry` or `entry`"#,
    ]),
    (PREPAID, r#"at = { from = "entry", after = "7d" }"#, r#"at = { from = "entry", after = "-7d" }"#, &[
        "x.toml:28:6: a step cannot come before what it counts from (only `expiry` is known beforehand)",
    ]),
    (PREPAID, r#"when = "renewed""#, r#"when = "balance > 0""#, &[
        r#"x.toml:34:8: a balance needs clock = "arrears""#,
    ]),
    (PREPAID, "on = \"step\"\n", "on = \"arrears\"\n", &[
        r#"x.toml:29:10: `reclaimed` is declared with on = "arrears" only; expected a [[notice]] with kind = "reclaimed" and on = "step""#,
        r#"x.toml:44:6: on = "arrears" needs clock = "arrears""#,
    ]),
    (PREPAID, "[renewal]\nmonths = [\"1-9\", 12]\nfirst_term_end = \"same_time\"\n", "", &[
        "x.toml:47:1: [charges] collect renewals, but nothing says how long a term is; expected a [renewal]",
    ]),
    (PREPAID, r#"at = { from = "expiry" }"#, "at = { from = \"expiry\" }\nwhen = { auto_renew = true }", &[
        "x.toml:20:8: with auto-renewal off nothing leads out of `active`; expected a [[step]] with when = { auto_renew = false }",
    ]),
    (PREPAID, "[[recovery]]", "[[step]]\nfrom = \"active\"\nto = \"released\"\nat = { from = \"expiry\" }\n\n[[recovery]]", &[
        "x.toml:34:6: `stopped` or `released`? Both steps are due at once; expected another deadline or a `when`",
    ]),
    (PREPAID, "[[recovery]]", "[[step]]\nfrom = \"active\"\nto = \"stopped\"\nat = { from = [\"expiry\"], after = \"0h\" }\n\n[[recovery]]", &[
        "x.toml:34:6: the same step again: `active` to `stopped`; expected another deadline or a `when`",
    ]),
    (PREPAID, "[[recovery]]", "[[recovery]]\nfrom = \"stopped\"\nto = \"active\"\nwhen = \"renewed\"\n\n[[recovery]]", &[
        "x.toml:37:8: there is already such a [[recovery]] from `stopped`",
    ]),
    (PREPAID, "[charges]", "[[notice]]\nkind = \"warning\"\nslots = { from = \"expiry\", after = [\"-1d\"] }\nchannels = [\"sms\"]\n\n[charges]", &[
        "x.toml:48:8: `warning` would be sent twice",
    ]),
    (POSTPAID, "[[notice]]\nkind = \"arrears\"\non = \"arrears\"\nchannels = [\"sms\"]\n", "", &[
        r#"x.toml:30:6: `stopped` to `released` loses data, and nobody is told before; expected a [[notice]] that comes before this step on every path to it (slots before it, on = "arrears", or a notice with an earlier step)"#,
    ]),
    (POSTPAID, r#"from = "arrears", after = "2h""#, r#"from = "expiry", after = "2h""#, &[
        r#"x.toml:26:15: `expiry` never happens under clock = "arrears"; expected `arrears` or `entry`"#,
    ]),
    (POSTPAID, r#"when = "balance > 0""#, r#"when = "renewed""#, &[
        r#"x.toml:42:8: a renewal needs clock = "expiry""#,
    ]),
    (POSTPAID, r#"on = "arrears""#, r#"slots = { from = "arrears", after = ["-1d"] }"#, &[
        "x.toml:46:9: a slot cannot come before what it counts from (only `expiry` is known beforehand)",
    ]),
    (POSTPAID, r#"on = "arrears""#, r#"slots = { from = "arrears", after = ["20d"] }"#, &[
        r#"x.toml:30:6: `stopped` to `released` loses data, and nobody is told before; expected a [[notice]] that comes before this step on every path to it (slots before it, on = "arrears", or a notice with an earlier step)"#,
        "x.toml:46:38: this slot of `arrears` cannot fit (no resource is in one of its phases then, unless a hold keeps it)",
    ]),
    (POSTPAID, r#"notice = "balance-warning""#, r#"notice = "arrears""#, &[
        r#"x.toml:59:10: `arrears` is declared with on = "arrears" only; expected a [[notice]] with kind = "arrears" and on = "balance_check""#,
    ]),
    (POSTPAID, "[termination]", "[renewal]\nmonths = [1]\nfirst_term_end = \"same_time\"\n\n[termination]", &[
        r#"x.toml:61:1: [renewal] needs clock = "expiry""#,
    ]),
    (POSTPAID, r#"bin_for = "2h""#, r#"bin_for = "3h""#, &[
        "x.toml:63:11: the step that empties the bin has another time; expected the `after` of the step from `bin` to `released`",
    ]),
    (POSTPAID, r#"entered_by = "termination""#, r#"entered_by = "return""#, &[
        "x.toml:34:8: nothing is returned under this policy; expected a [returns]",
        r#"x.toml:62:7: no step empties the bin, `bin`; expected a [[step]] with when = { entered_by = "termination" } to a final phase"#,
    ]),
    // A way back is a new beginning: what was told before it does not count.
    (PREPAID, "[[recovery]]\nfrom = \"stopped\"\nto = \"active\"", "[[phase]]\nname = \"held\"\nclass = \"suspended\"\n\n[[step]]\nfrom = \"stopped\"\nto = \"held\"\nat = { from = \"entry\", after = \"1d\" }\n\n[[recovery]]\nfrom = \"held\"\nto = \"stopped\"", &[
        r#"x.toml:27:6: `stopped` to `released` loses data, and nobody is told before; expected a [[notice]] that comes before this step on every path to it (slots before it, on = "arrears", or a notice with an earlier step)"#,
    ]),
];

fn lost(place: &str, from: &str) -> String {
    format!(
        "x.toml:{place}: `{from}` to `released` loses data, and nobody is told before; expected a [[notice]] that comes \
         before this step on every path to it (slots before it, on = \"arrears\", or a notice with an earlier step)"
    )
}

#[test]
fn a_step_that_the_clock_may_take_needs_a_notice_also_if_a_customer_may_ask_for_it() {
    let right = "when = { entered_by = \"termination\" }";
    let wrong = "when = { entered_by = [\"termination\", \"clock\"] }";
    let led = POSTPAID.replace(
        "[[recovery]]",
        "[[step]]\nfrom = \"stopped\"\nto = \"bin\"\nat = { from = \"entry\", after = \"1d\" }\n\n[[recovery]]",
    );
    let notice = "[[notice]]\nkind = \"arrears\"\non = \"arrears\"\nchannels = [\"sms\"]\n";
    parsed(&led.replace(right, wrong));
    let (stopped, bin) = (lost("30:6", "stopped"), lost("35:6", "bin"));
    assert_refused(&led.replace(right, wrong), notice, "", &[&stopped, &bin]);
    assert_refused(&led, notice, "", &[&stopped]);
}

#[test]
fn what_was_just_started_or_taken_over_is_not_released_in_silence_either() {
    let slots = "slots = { from = \"expiry\", after = [\"-3d\", \"-1d\"] }";
    let never = "on = \"charge_failed\"";
    // Out of the first phase, by the cause alone that brought a resource there.
    let at_once = |cause: &str| {
        PREPAID.replace(
            "[[recovery]]",
            &format!(
                "[[step]]\nfrom = \"active\"\nto = \"released\"\nat = {{ from = \"expiry\", after = \"-1h\" }}\n\
                 when = {{ entered_by = \"{cause}\" }}\n\n[[recovery]]"
            ),
        )
    };
    for cause in ["start", "recovery", "import"] {
        parsed(&at_once(cause));
        let both = [lost("27:6", "stopped"), lost("33:6", "active")];
        assert_refused(&at_once(cause), slots, never, &both.each_ref().map(String::as_str));
    }
    // What a customer asked for needs none.
    assert_refused(&at_once("request"), slots, never, &[&lost("27:6", "stopped")]);
    // What the policy tells on the way to a phase counts as told to what is imported there.
    let taken_over = PREPAID.replace(
        "after = \"7d\" }",
        "after = \"7d\" }\nwhen = { entered_by = [\"clock\", \"import\"] }",
    );
    parsed(&taken_over);
    assert_refused(&taken_over, slots, never, &[&lost("27:6", "stopped")]);
    // A phase that is reached in silence from a fresh start is no place to release from.
    let led = PREPAID.replace("from = \"active\"\nto = \"stopped\"\nat = { from = \"expiry\" }",
        "from = \"active\"\nto = \"stopped\"\nat = { from = \"expiry\" }\nwhen = { entered_by = \"start\" }");
    parsed(&led);
    assert_refused(&led, slots, never, &[&lost("28:6", "stopped")]);
}

#[test]
fn a_slot_is_judged_by_the_latest_way_out_whatever_brought_the_resource_there() {
    // Restored ones stay for three days more: a slot a day after the term fits for them.
    let two = PREPAID.replace(
        "at = { from = \"expiry\" }",
        "at = { from = \"expiry\" }\nwhen = { entered_by = \"start\" }\n\n[[step]]\nfrom = \"active\"\nto = \"stopped\"\n\
         at = { from = \"expiry\", after = \"3d\" }\nwhen = { entered_by = \"recovery\" }",
    );
    parsed(&two.replace("[\"-3d\", \"-1d\"]", "[\"-3d\", \"1d\"]"));
    let late = two.replace("[\"-3d\", \"-1d\"]", "[\"-3d\", \"4d\"]");
    assert!(super::parse("x.toml", &late).is_err());
}

#[test]
fn a_break_of_the_calendar_makes_room_for_a_slot() {
    let wide = PREPAID
        .replace("clock = \"expiry\"\n", "clock = \"expiry\"\n[calendar]\nweekend = [\"sat\", \"sun\"]\nholidays = [\"2026-10-02\", \"2026-10-06\"]\n")
        .replace("after = \"7d\"", "after = \"7d\", only_on = \"working_days\"")
        .replace("phases = [\"active\"]\nchannels", "phases = [\"active\", \"stopped\"]\nchannels");
    // Seven days, and at most three more: Friday, Saturday, Sunday.
    parsed(&wide.replace("[\"-3d\", \"-1d\"]", "[\"-3d\", \"10d\"]"));
    let late = wide.replace("[\"-3d\", \"-1d\"]", "[\"-3d\", \"10d1s\"]");
    assert!(super::parse("x.toml", &late).is_err());
}

#[test]
fn a_renewal_needs_a_length() {
    let end = PREPAID.find("[charges]").expect("charges");
    assert_refused(
        &PREPAID[..end],
        "id = \"small\"",
        "id = \"small\"",
        &["x.toml:32:8: a renewal, but nothing says how long a term is; expected a [renewal]"],
    );
}

#[test]
fn a_slot_fits_up_to_the_wall_clock_time_of_the_step_that_ends_its_phase() {
    let prepaid = PREPAID.replace("phases = [\"active\"]\nchannels", "channels").replace(
        "{ from = \"entry\", after = \"7d\" }",
        "{ from = \"expiry\", day = 8, time = \"00:00\" }",
    );
    let slots = "[\"-3d\", \"-1d\"]";
    parsed(&prepaid.replace(slots, "[\"-3d\", \"8d\"]"));
    assert_refused(
        &prepaid,
        slots,
        "[\"-3d\", \"8d1h\"]",
        &[
            "x.toml:38:44: this slot of `warning` cannot fit (no resource is in one of its phases then, unless a hold keeps it)",
        ],
    );
}

#[test]
fn a_kind_may_have_a_notice_for_auto_renewal_on_and_another_for_it_off() {
    let rule = |on: bool, channel: &str| {
        format!(
            "[[notice]]\nkind = \"due\"\nslots = {{ from = \"expiry\", after = [\"-1d\"] }}\nwhen = {{ auto_renew = {on} }}\nchannels = [\"{channel}\"]\n\n"
        )
    };
    let both = rule(true, "email") + &rule(false, "sms") + "[charges]";
    assert_eq!(parsed(&PREPAID.replace("[charges]", &both)).notices.len(), 4);
}
