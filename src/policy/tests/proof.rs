//! What is to be proven before a step: a form that is read, and proof that can come.

use super::{POSTPAID, PREPAID, assert_refused, parsed};
use crate::engine::id::NoticeKind;
use crate::engine::policy::{OfThem, Proof};
use chrono::TimeDelta;

/// The release of both small policies, to which a proof is added.
const RELEASE: &str = "notice = \"reclaimed\"\n";

fn with(proof: &str) -> String {
    format!("{RELEASE}proof = {proof}\n")
}

#[test]
fn one_proof_or_several_are_read_with_all_or_any_of_their_kinds() {
    let file = |proof: &str| parsed(&PREPAID.replacen(RELEASE, &with(proof), 1));
    let of = |of_them, days| Proof {
        notices: vec![NoticeKind::from("warning")],
        of_them,
        lead: TimeDelta::days(days),
        at_most: None,
    };
    let proofs = |proof: &str| file(proof).steps[1].proofs.clone();
    assert_eq!(proofs(r#"{ notices = ["warning"], lead = "7d" }"#), [of(OfThem::All, 7)]);
    let two = r#"[{ any = ["warning"], lead = "10d" }, { notices = ["warning"], lead = "1d" }]"#;
    assert_eq!(proofs(two), [of(OfThem::Any, 10), of(OfThem::All, 1)]);
    assert_eq!(parsed(PREPAID).steps[1].proofs, []);
    assert!(file(two).asks_for_proof_of(&"warning".into()));
    assert!(!file(two).asks_for_proof_of(&"reclaimed".into()));
}

#[test]
fn a_proof_that_cannot_be_read_or_can_never_come_is_refused_with_its_place() {
    for (proof, answer) in REFUSED {
        assert_refused(PREPAID, RELEASE, &with(proof), answer);
    }
    let step = "to = \"stopped\"\nat = { from = \"expiry\" }\n";
    let proof = r#"proof = { notices = ["warning"], lead = "1d" }"#;
    assert_refused(
        PREPAID,
        step,
        &format!("{step}{proof}\n"),
        &[
            "x.toml:23:9: `active` to `stopped` can be taken back; expected `at_most`: how long it waits for who cannot be told",
        ],
    );
    let release = r#"{ notices = ["warning"], lead = "1d", at_most = "3d" }"#;
    assert_refused(
        PREPAID,
        RELEASE,
        &with(release),
        &[
            "x.toml:30:9: `stopped` to `released` cannot be taken back; expected no `at_most`: it waits until somebody was told",
        ],
    );
    let by_wish = format!("when = {{ entered_by = \"termination\" }}\n{proof}\n");
    let when = "when = { entered_by = \"termination\" }\n";
    assert_refused(
        POSTPAID,
        when,
        &by_wish.replace("warning", "arrears"),
        &[
            "x.toml:38:9: a customer asked for this step, and need not be told of it (a proof is for what the clock does by itself)",
        ],
    );
}

/// What is written, and every line of the answer.
#[rustfmt::skip]
const REFUSED: &[(&str, &[&str])] = &[
    (r#"{ notices = ["warning"] }"#, &[
        r#"x.toml:30:9: `lead` is missing in proof"#,
    ]),
    (r#"{ lead = "1d" }"#, &[
        r#"x.toml:30:9: a proof of nothing; expected `notices = [...]` or `any = [...]`"#,
    ]),
    (r#"{ notices = ["warning"], any = ["warning"], lead = "1d" }"#, &[
        r#"x.toml:30:9: both `notices` and `any`; expected `notices`, of which each is needed, or `any`, of which one is"#,
    ]),
    (r#"{ notices = [], lead = "1d" }"#, &[
        r#"x.toml:30:21: a proof of nothing; expected at least one kind of notice"#,
    ]),
    ("[]", &[
        r#"x.toml:30:9: a list of proofs without any; expected at least one"#,
    ]),
    (r#"{ notices = ["warnin"], lead = "1d" }"#, &[
        r#"x.toml:30:22: no [[notice]] declares `warnin`; expected a [[notice]] with kind = "warnin" (did you mean `warning`?)"#,
    ]),
    (r#"{ notices = ["reclaimed"], lead = "1h" }"#, &[
        r#"x.toml:30:9: `reclaimed` does not come before `stopped` to `released`; expected a kind that tells of what may happen, before it does"#,
    ]),
    (r#"{ notices = ["warning"], lead = "11d" }"#, &[
        r#"x.toml:30:9: `warning` never comes so long before `stopped` to `released`; expected a `lead` that its earliest slot leaves"#,
    ]),
    (r#"{ any = ["warning", "reclaimed"], lead = "11d" }"#, &[
        r#"x.toml:30:9: `warning` never comes so long before `stopped` to `released`; expected a `lead` that its earliest slot leaves"#,
        r#"x.toml:30:9: `reclaimed` does not come before `stopped` to `released`; expected a kind that tells of what may happen, before it does"#,
    ]),
];
