//! Looks at every notice, channel and locale before a customer does: what is missing, what cannot be, what does not fit.
//!
//! Renders samples, and puts what customers and the world can do to them into each. Sends nothing.

use std::collections::BTreeSet;

use crate::engine::effect::Notice;
use crate::engine::input::{Contact, Role};
use crate::engine::policy::Channel;
use crate::render::catalogue::{Catalogue, parts, path_of};
use crate::render::finding::Finding;
use crate::render::lint::lint;
use crate::render::renderer::Renderer;
use crate::render::schema::schema;
use crate::render::source::Part;
use crate::render::{RenderError, locale};

/// After this many bytes some readers cut an HTML part.
const HTML_BYTES: usize = 102 * 1000;
/// After this many characters a subject is cut in most lists.
const SUBJECT: usize = 78;
const CHANNELS: [Channel; 2] = [Channel::Email, Channel::Sms];

/// What is wrong with the templates of `renderer`, by file, line and column.
///
/// `notices` are samples, one or more of each kind that is ever sent; `locales` must have all of them, and so must every
/// locale that there are templates for.
pub fn check(renderer: &Renderer, notices: &[Notice], locales: &[&str]) -> Vec<Finding> {
    let catalogue = renderer.catalogue();
    let kinds: BTreeSet<&str> = catalogue
        .kinds()
        .into_iter()
        .chain(notices.iter().map(|notice| notice.kind.as_str()))
        .collect();
    let locales: BTreeSet<&str> =
        catalogue.locales().into_iter().chain(locales.iter().copied()).collect();
    let mut findings = BTreeSet::new();
    for locale in &locales {
        for kind in &kinds {
            for channel in CHANNELS {
                findings.extend(missing(catalogue, locale, kind, channel));
                findings.extend(variables(catalogue, locale, kind, channel));
            }
        }
    }
    // A sample that fails on what was found already says nothing new.
    if findings.is_empty() {
        for notice in notices {
            for locale in &locales {
                findings.extend(rendered(renderer, notice, locale));
            }
        }
    }
    findings.into_iter().collect()
}

/// Parts that a locale does not have: all of a notice and none of its wider locales has them, or some of a message.
fn missing(catalogue: &Catalogue, locale: &str, kind: &str, channel: Channel) -> Vec<Finding> {
    let parts = parts(channel);
    let here = parts.iter().filter(|part| catalogue.has(locale, kind, **part)).count();
    let wider = || {
        let chain = locale::chain(locale, "");
        chain.iter().any(|tag| parts.iter().all(|part| catalogue.has(tag, kind, *part)))
    };
    if here == parts.len() || here == 0 && wider() {
        return Vec::new();
    }
    let absent = parts.iter().filter(|part| !catalogue.has(locale, kind, **part));
    absent
        .map(|part| Finding {
            file: catalogue.file(&path_of(locale, kind, *part)),
            line: 1,
            column: 1,
            message: format!("missing: `{kind}` has no {} in `{locale}`", part.file()),
        })
        .collect()
}

fn variables(catalogue: &Catalogue, locale: &str, kind: &str, channel: Channel) -> Vec<Finding> {
    let schema = schema(kind, channel);
    let here = parts(channel).iter().filter(|part| catalogue.has(locale, kind, **part));
    here.flat_map(|part| lint(catalogue, &path_of(locale, kind, *part), &schema)).collect()
}

fn rendered(renderer: &Renderer, notice: &Notice, locale: &str) -> Vec<Finding> {
    let kind = notice.kind.as_str();
    let file = |part| {
        let catalogue = renderer.catalogue();
        let channel = if part == Part::Sms { Channel::Sms } else { Channel::Email };
        let found = catalogue.locale_of(kind, channel, locale, renderer.default_locale());
        catalogue.file(&path_of(found.unwrap_or(locale), kind, part))
    };
    let mut findings = Vec::new();
    let mut find = |part, message: String| {
        findings.push(Finding { file: file(part), line: 1, column: 1, message });
    };
    for (name, sample, contact) in samples(notice) {
        match renderer.render_email(&sample, &contact, locale) {
            Err(error) => find_error(error, Part::Text, name, &mut find),
            Ok(email) => {
                for (part, text) in [
                    (Part::Subject, &email.subject),
                    (Part::Text, &email.text),
                    (Part::Html, &email.html),
                ] {
                    leftover(part, text, name, &mut find);
                }
                if email.subject.chars().count() > SUBJECT {
                    find(Part::Subject, format!("more than {SUBJECT} characters (sample: {name})"));
                }
                if email.html.len() > HTML_BYTES {
                    let size = email.html.len();
                    find(
                        Part::Html,
                        format!("{size} bytes; readers cut at {HTML_BYTES} (sample: {name})"),
                    );
                }
                if email.html.contains(SCRIPT) {
                    find(Part::Html, format!("does not escape a name (sample: {name})"));
                }
            }
        }
        match renderer.render_sms(&sample, &contact, locale) {
            Err(error) => find_error(error, Part::Sms, name, &mut find),
            Ok(sms) => leftover(Part::Sms, &sms.text, name, &mut find),
        }
    }
    findings
}

fn find_error(error: RenderError, part: Part, sample: &str, find: &mut impl FnMut(Part, String)) {
    find(part, format!("{error} (sample: {sample})"));
}

fn leftover(part: Part, text: &str, sample: &str, find: &mut impl FnMut(Part, String)) {
    if text.contains("{{") || text.contains("}}") {
        find(part, format!("braces are left over (sample: {sample})"));
    }
}

const SCRIPT: &str = "<script>";

/// `notice` as it is, and with what customers and the world can do to it.
fn samples(notice: &Notice) -> Vec<(&'static str, Notice, Contact)> {
    let plain = Contact {
        name: "Li Wei".to_owned(),
        role: Role::Creator,
        email: None,
        phone: None,
        locale: None,
    };
    let named = |name: &str| {
        let mut notice = notice.clone();
        notice.account_name = Some(name.to_owned());
        notice.items.iter_mut().for_each(|item| item.name = Some(name.to_owned()));
        (notice, Contact { name: name.to_owned(), ..plain.clone() })
    };
    let (hostile, hostile_contact) =
        named("<script>alert('&')</script>\r\nBcc: x@example.com \u{202e}`=$");
    let (long, long_contact) = named(&"生产环境数据库主节点".repeat(30));
    let (right_to_left, rtl_contact) = named("خادم الويب الرئيسي");
    let (emoji, emoji_contact) = named(&"🐳👩‍🔧".repeat(20));
    let mut samples = vec![
        ("as it is", notice.clone(), plain.clone()),
        ("one resource", resources(notice, 1), plain.clone()),
        ("50 resources", resources(notice, 50), plain.clone()),
        ("50 long names", resources(&long, 50), long_contact),
        ("50 hostile names", resources(&hostile, 50), hostile_contact),
        ("right to left", right_to_left, rtl_contact),
        ("emoji", emoji, emoji_contact),
        ("50 resources, each on its own day", scattered(&resources(&hostile, 50)), plain.clone()),
        ("nothing optional", bare(notice), Contact { name: String::new(), ..plain.clone() }),
    ];
    for (name, zone) in
        [("New York", "America/New_York"), ("Kathmandu", "Asia/Kathmandu"), ("UTC", "UTC")]
    {
        samples.push((name, Notice { zone: zone.to_owned(), ..notice.clone() }, plain.clone()));
    }
    samples
}

/// `notice` about so many resources like its own.
fn resources(notice: &Notice, count: usize) -> Notice {
    let items = notice.items.iter().cycle().take(count).enumerate().map(|(index, item)| {
        let mut item = item.clone();
        item.resource = format!("{}-{index:02}", item.resource).as_str().into();
        item
    });
    Notice { items: items.collect(), ..notice.clone() }
}

/// The same, a day apart from each other.
fn scattered(notice: &Notice) -> Notice {
    let mut notice = notice.clone();
    for (days, item) in (0_i64..).zip(&mut notice.items) {
        let shift = chrono::TimeDelta::days(days);
        item.expires_at = item.expires_at.map(|at| at + shift);
        item.promises.iter_mut().for_each(|promise| promise.at += shift);
    }
    notice
}

/// The same without anything that an event or a policy may leave out.
fn bare(notice: &Notice) -> Notice {
    let mut notice = notice.clone();
    notice.account_name = None;
    notice.daily_consumption = None;
    notice.arrears_since = None;
    for item in &mut notice.items {
        item.name = None;
        item.region = None;
        item.auto_renew = None;
        item.promises.clear();
        item.detached.clear();
        item.attempts = None;
        item.next_attempt_at = None;
        item.price = None;
    }
    notice
}

#[cfg(test)]
mod tests {
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
            (
                "{{#each groups}}{{../../count}}{{/each}}",
                "1:19: `../../count` leads out of the notice",
            ),
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
                &"fr/expired/body.html.hbs:1:1: missing: `expired` has no body.html in `fr`"
                    .to_owned()
            ),
            "{found:?}"
        );
        assert!(
            found.contains(
                &"en/other/subject.txt.hbs:1:1: missing: `other` has no subject.txt in `en`"
                    .to_owned()
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
}
