//! The schema holds what its types hold, and the documentation says the same.

use super::*;

fn at<'a>(shape: &'a Shape, path: &str) -> Option<&'a Field> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(a, b)| (a, Some(b)));
    match shape {
        Shape::List(element) => at(element, path),
        _ => {
            let field = shape.field(first)?;
            rest.map_or(Some(field), |rest| at(&field.shape, rest))
        }
    }
}

#[test]
fn every_particular_path_exists() {
    let all = Variables::shape();
    for particular in &PARTICULARS {
        for path in particular.never().chain(particular.always.iter().copied()) {
            let field = at(&all, path).unwrap_or_else(|| panic!("{}: {path}", particular.kind));
            let list = matches!(field.shape, Shape::List(_));
            assert!(field.optional || list, "{path} is there always");
        }
    }
    for path in SMS_ONLY {
        assert!(at(&all, path).is_some(), "{path}");
    }
}

#[test]
fn a_notice_has_what_makes_sense_in_it() {
    let warning = schema("expiry-warning", Channel::Email);
    assert!(!at(&warning, "groups.expires_at").expect("there").optional);
    assert!(at(&warning, "runway").expect("known").never);
    assert!(at(&warning, "names").expect("known").never);
    assert!(!at(&schema("expiry-warning", Channel::Sms), "names").expect("known").never);
    let other = schema("not-yet-thought-of", Channel::Sms);
    assert!(at(&other, "runway").expect("there").optional);
}

const DOCUMENT: &str = include_str!("../../../docs/TEMPLATES.md");

/// The rows of the table after a marker.
fn documented(marker: &str) -> Vec<&'static str> {
    let (_, after) = DOCUMENT.split_once(marker).expect("the marker is there");
    let (table, _) = after.split_once("<!-- end -->").expect("the table ends");
    table.lines().skip(3).filter(|line| !line.is_empty()).collect()
}

/// In which notices a variable is there.
fn there(path: &str, field: &Field) -> String {
    if SMS_ONLY.contains(&path) {
        let what = if field.optional { "optional" } else { "always" };
        return format!("{what}, in text messages only");
    }
    let path = path.replace("[]", "");
    let of = |wanted: fn(&Field) -> bool| -> Vec<String> {
        let found = kinds().filter(|kind| {
            let schema = schema(kind, Channel::Email);
            wanted(at(&schema, &path).expect("known to all"))
        });
        found.map(|kind| format!("`{kind}`")).collect()
    };
    let list = matches!(field.shape, Shape::List(_));
    let mut there = if field.optional && !list { "optional" } else { "always" }.to_owned();
    let always = of(|field| !field.optional && !field.never);
    if field.optional && !always.is_empty() {
        there = format!("{there}; always in {}", always.join(", "));
    }
    let never = of(|field| field.never);
    if !never.is_empty() {
        there = format!("{there}; never in {}", never.join(", "));
    }
    there
}

#[test]
fn the_documentation_lists_exactly_the_variables_there_are() {
    let rows: Vec<String> = paths(&Variables::shape())
        .iter()
        .map(|(path, field)| {
            let about = field.about.trim();
            format!("| `{path}` | {} | {} | {about} |", field.shape.noun(), there(path, field))
        })
        .collect();
    assert_eq!(
        documented("<!-- variables: held against the code by a test -->"),
        rows,
        "\n{}\n",
        rows.join("\n")
    );
}

#[test]
fn the_documentation_lists_exactly_the_helpers_there_are() {
    let rows: Vec<String> = crate::render::helpers::HELPERS
        .iter()
        .map(|helper| format!("| `{}` | {} |", helper.name, helper.about.replace('|', "\\|")))
        .collect();
    assert_eq!(
        documented("<!-- helpers: held against the code by a test -->"),
        rows,
        "\n{}\n",
        rows.join("\n")
    );
}
