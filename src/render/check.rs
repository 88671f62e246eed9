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
        item.ends_at = item.ends_at.map(|at| at + shift);
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
        item.hints.clear();
        item.destroyed.clear();
        item.retained.clear();
        item.retained_billable.clear();
        item.stops_billing = false;
        item.attempts = None;
        item.next_attempt_at = None;
        item.price = None;
    }
    notice
}

#[cfg(test)]
mod tests;
