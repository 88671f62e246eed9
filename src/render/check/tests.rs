//! What `check` finds, and where.

use super::*;
use crate::render::fixture::{KINDS, brand, notice};
use crate::render::{Limits, Templates};

fn renderer(changes: &[(&str, &str)]) -> Renderer {
    let mut templates = Templates::shipped();
    for (path, text) in changes {
        templates.insert(path, &format!("templates/{path}.hbs"), *text);
    }
    Renderer::new(templates, "en", brand(), Limits::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn found(changes: &[(&str, &str)]) -> Vec<String> {
    let findings = check(&renderer(changes), &[notice("expired", 3)], &["en", "zh-CN"]);
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn the_shipped_templates_hold_against_every_sample() {
    let notices: Vec<Notice> = KINDS.iter().map(|kind| notice(kind, 3)).collect();
    assert_eq!(check(&renderer(&[]), &notices, &["en", "zh-CN", "zh-Hans-SG"]), []);
}

#[test]
fn a_typo_is_found_where_it_stands_also_inside_if() {
    for (text, expected) in [
        (
            "a\n {{#if labell}}x{{/if}}",
            "2:8: this notice has no `labell` here; did you mean `label`?",
        ),
        (
            "{{#unless sinlge}}x{{/unless}}",
            "1:11: this notice has no `sinlge` here; did you mean `single`?",
        ),
        (
            "{{#if (or single cuont)}}x{{/if}}",
            "1:18: this notice has no `cuont` here; did you mean `count`?",
        ),
        (
            "{{#if single}}x{{else}}{{#if typo}}y{{/if}}{{/if}}",
            "1:30: this notice has no `typo` here",
        ),
        (
            "{{#each groups}}{{#each items}}{{labl}}{{/each}}{{/each}}",
            "1:34: this notice has no `labl` here; did you mean `label`?",
        ),
        (
            "{{#each groups}}{{alike}}{{/each}}",
            "1:19: this notice has no `alike` here; did you mean `../alike`?",
        ),
        ("{{#each groups}}{{../../count}}{{/each}}", "1:19: `../../count` leads out of the notice"),
        ("{{@index}}", "1:3: `@index` is known only inside of `each`"),
        ("{{runway.days}}", "1:3: this notice has no `runway.days` here"),
        (
            "{{#with brand}}{{nam}}{{/with}}",
            "1:18: this notice has no `nam` here; did you mean `name`?",
        ),
    ] {
        let found = found(&[("en/expired/body.txt", text)]);
        assert_eq!(found, [format!("templates/en/expired/body.txt.hbs:{expected}")], "{text}");
    }
}

#[test]
fn a_value_that_may_be_absent_must_be_asked_for() {
    let asked = [
        "{{#if loss_at}}{{date loss_at}}{{/if}}",
        "{{#unless loss_at}}x{{else}}{{date loss_at}}{{/unless}}",
        "x{{#if (and single loss_at)}}{{date loss_at}}{{/if}}",
        "x{{#with loss_at}}{{local}}{{else}}{{/with}}",
        "x{{default contact \"you\"}}",
    ];
    for text in asked {
        let found = found(&[("zh/expired/body.txt", &format!("x{text}"))]);
        assert_eq!(found, [""; 0], "{text}");
    }
    for (text, column) in [
        ("{{date loss_at}}", 8),
        ("{{#if (or single loss_at)}}{{date loss_at}}{{/if}}", 35),
        ("{{#with loss_at}}{{/with}}", 9),
    ] {
        let found = found(&[("zh/expired/body.txt", text)]);
        let expected = format!(
            "zh/expired/body.txt.hbs:1:{column}: `loss_at` may be absent: ask first, with {{{{#if loss_at}}}}"
        );
        assert_eq!(found, [format!("templates/{expected}")], "{text}");
    }
}

#[test]
fn a_value_is_printed_by_what_fits_it() {
    for (text, expected) in [
        (
            "{{expires_at}}",
            "1:3: `expires_at` is a moment: print it with `date`, `time` or `datetime`",
        ),
        ("{{date count}}", "1:8: `date` cannot take `count`, a number"),
        (
            "{{groups}}",
            "1:3: `groups` is a list: go through it with `each`, or print it with `list`",
        ),
        ("{{dat expires_at}}", "1:3: there is no helper `dat`; did you mean `date`?"),
        ("{{plural count \"x\"}}", "1:3: `plural` takes 3 values, here are 2"),
        ("{{#evry groups}}x{{/evry}}", "1:4: there is no block `evry`"),
        (
            "{{#each groups as |g|}}x{{/each}}",
            "1:4: block parameters (`as |x|`) cannot be checked: use the name",
        ),
    ] {
        let found = found(&[("en/expired/sms.txt", text)]);
        assert_eq!(found, [format!("templates/en/expired/sms.txt.hbs:{expected}")], "{text}");
    }
}

#[test]
fn a_mistake_in_a_partial_names_both_files() {
    let found = found(&[
        ("en/_parts/x.txt", "\n{{when.nonsense}}{{given}}"),
        ("en/expired/sms.txt", "{{> en/_parts/x.txt when=expires_at given=label}}"),
    ]);
    assert_eq!(
        found,
        [
            "templates/en/_parts/x.txt.hbs:2:3: this notice has no `when.nonsense` here (as included by en/expired/sms.txt.hbs)"
        ]
    );
}

#[test]
fn what_is_missing_in_one_locale_is_found() {
    let found = found(&[("fr/expired/sms.txt", "x"), ("en/other/sms.txt", "x")]);
    assert!(
        found.contains(
            &"zh/other/sms.txt.hbs:1:1: missing: `other` has no sms.txt in `zh`".to_owned()
        ),
        "{found:?}"
    );
    assert!(
        found.contains(
            &"fr/expired/body.html.hbs:1:1: missing: `expired` has no body.html in `fr`".to_owned()
        ),
        "{found:?}"
    );
    assert!(
        found.contains(
            &"en/other/subject.txt.hbs:1:1: missing: `other` has no subject.txt in `en`".to_owned()
        ),
        "{found:?}"
    );
}

#[test]
fn what_does_not_fit_is_found() {
    let long = "Please pay. ".repeat(60);
    for (path, text, expected) in [
        ("en/expired/sms.txt", long.as_str(), "takes 5 parts"),
        ("en/expired/subject.txt", long.as_str(), "more than 78 characters"),
        ("en/expired/body.txt", "{{#if (eq count 0)}}x{{/if}}", "renders to nothing"),
        ("en/expired/body.txt", "x \\{{count}}", "braces are left over"),
        (
            "en/expired/body.html",
            &format!(
                "{{{{#each groups}}}}{{{{#each items}}}}{}{{{{/each}}}}{{{{/each}}}}",
                "<p>x</p>\n".repeat(7000)
            ),
            "readers cut at 102000",
        ),
    ] {
        let found = found(&[(path, text)]);
        assert!(found.iter().any(|finding| finding.contains(expected)), "{path}: {found:?}");
    }
}
