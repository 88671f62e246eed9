//! What a customer may ask of a prepaid resource beside renewing it: returns, downgrades, synchronised expiries.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use super::table::{Table, Value, wrong_type};
use super::value::{self, Spelling};
use super::{Known, moves};
use crate::engine::input::Flag;
use crate::engine::policy::{
    AllowedChange, Clock, DowngradeRule, Exclusion, ExpirySync, PhaseClass, Returns,
};
use crate::policy::error::{Mistakes, Span};

/// The longest time in which something may be returned, in days; of a downgrade before expiry.
const MAX_DAYS: u32 = 3660;
/// The most returns that an account may have.
const MAX_RETURNS: i64 = 1_000_000;
/// The longest validity of a voucher, in years.
const MAX_YEARS: u32 = 100;
/// The last day that every month has.
const LAST_DAY: u32 = 28;

const FLAGS: [(&str, Flag); 3] = [
    ("promotional", Flag::Promotional),
    ("converted_from_postpaid", Flag::ConvertedFromPostpaid),
    ("suspicious", Flag::Suspicious),
];

/// `[returns]`, with where its `bin` stands.
pub(super) fn returns(
    file: &mut Table<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<(Returns, Span)> {
    let mut table = Table::open("[returns]", file.get("returns")?, mistakes)?;
    known.only_under(Clock::Expiry, "[returns]", table.span(), mistakes);
    let bin = table.need("bin", mistakes).and_then(|v| bin(v, known, mistakes));
    let within_days =
        table.need("within_days", mistakes).and_then(|v| value::count(v, MAX_DAYS, mistakes));
    let mut quota = |key| table.need(key, mistakes).and_then(|v| quota(v, mistakes));
    let (unconditional, ordinary) = (quota("unconditional"), quota("ordinary"));
    let voucher_years = table
        .need("voucher_valid_for_years", mistakes)
        .and_then(|v| value::count(v, MAX_YEARS, mistakes));
    let mut exclusion = |key| exclusion(table.get(key), key, mistakes);
    let (never, never_ordinary) = (exclusion("never"), exclusion("never_ordinary"));
    let to_bin = table.need("to_bin", mistakes).and_then(|v| {
        let mut table = Table::open("to_bin", v, mistakes)?;
        let outcome = moves::outcome(&mut table, mistakes);
        table.close(mistakes);
        outcome
    });
    table.close(mistakes);
    let (bin, place) = bin?;
    let returns = Returns {
        bin,
        within_days: within_days?,
        unconditional: unconditional?,
        ordinary: ordinary?,
        voucher_years: voucher_years?,
        never: never?,
        never_ordinary: never_ordinary?,
        to_bin: to_bin?,
    };
    Some((returns, place))
}

fn bin(
    value: Value<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<(crate::engine::id::PhaseName, Span)> {
    let phase = known.phase(value, mistakes)?;
    if known.class(&phase).is_some_and(|class| class != PhaseClass::Retained) {
        mistakes
            .add(value.span(), format!("`{phase}` cannot be the bin of a return"))
            .expected("a phase of class retained");
    }
    Some((phase, value.span()))
}

fn quota(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<u32> {
    value::number(value, 0, MAX_RETURNS, mistakes).and_then(|number| u32::try_from(number).ok())
}

/// `{ families = ["…"], zones = ["…"], flags = ["promotional"] }`; nothing where it is missing.
fn exclusion(
    value: Option<Value<'_, '_>>,
    name: &'static str,
    mistakes: &mut Mistakes,
) -> Option<Exclusion> {
    let Some(value) = value else { return Some(Exclusion::default()) };
    let mut table = Table::open(name, value, mistakes)?;
    let families = texts(table.get("families"), mistakes);
    let zones = texts(table.get("zones"), mistakes);
    let flags = table.get("flags").map_or(Some(Vec::new()), |v| {
        super::table::list(v, "a list of flags", mistakes, |item, mistakes| {
            value::choice(item, "flag", &FLAGS, mistakes)
        })
    });
    table.close(mistakes);
    Some(Exclusion { families: families?, zones: zones?, flags: flags? })
}

/// Names as the events spell them.
fn texts(value: Option<Value<'_, '_>>, mistakes: &mut Mistakes) -> Option<Vec<String>> {
    let Some(value) = value else { return Some(Vec::new()) };
    super::table::list(value, "a list of names", mistakes, |item, mistakes| {
        value::text(item, mistakes).map(str::to_owned)
    })
}

/// `[expiry_sync]`.
pub(super) fn expiry_sync(
    file: &mut Table<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<ExpirySync> {
    let mut table = Table::open("[expiry_sync]", file.get("expiry_sync")?, mistakes)?;
    known.only_under(Clock::Expiry, "[expiry_sync]", table.span(), mistakes);
    let mut day = |key| table.need(key, mistakes).and_then(|v| value::count(v, LAST_DAY, mistakes));
    let (first_day, last_day) = (day("first_day"), day("last_day"));
    if let (Some(first), Some(last)) = (first_day, last_day)
        && first > last
    {
        mistakes.add(table.span(), "`first_day` comes after `last_day`");
    }
    table.close(mistakes);
    Some(ExpirySync { first_day: first_day?, last_day: last_day? })
}

/// `[renewal.downgrade]`.
pub(super) fn downgrade(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<DowngradeRule> {
    let mut table = Table::open("[renewal.downgrade]", value, mistakes)?;
    let days_before =
        table.need("days_before", mistakes).and_then(|v| value::count(v, MAX_DAYS, mistakes));
    let mut fields = |key| {
        let fields = table.need(key, mistakes);
        fields.and_then(|v| value::names(Some(v), "field", Spelling::Underscores, mistakes))
    };
    let (until_expiry, after_expiry) = (fields("until_expiry"), fields("after_expiry"));
    let both = until_expiry.iter().chain(&after_expiry).flatten();
    let named: Vec<&str> = both.map(String::as_str).collect();
    let changes =
        table.get("changes").map_or(Some(BTreeMap::new()), |v| changes(v, &named, mistakes));
    table.close(mistakes);
    Some(DowngradeRule {
        days_before: days_before?,
        changes: changes?,
        until_expiry: until_expiry?,
        after_expiry: after_expiry?,
    })
}

/// `{ network_billing = { from = ["bandwidth"], to = ["traffic"] } }`.
fn changes(
    value: &Spanned<DeValue<'_>>,
    named: &[&str],
    mistakes: &mut Mistakes,
) -> Option<BTreeMap<String, AllowedChange>> {
    let DeValue::Table(entries) = value.get_ref() else {
        return wrong_type(value, "a table such as { bandwidth = { to = [\"5\"] } }", mistakes);
    };
    let before = mistakes.count();
    let mut changes = BTreeMap::new();
    for (field, value) in entries {
        let word: &str = field.get_ref();
        if !named.contains(&word) {
            mistakes
                .add(field.span(), format!("`{word}` cannot change at all"))
                .expected("a field of `until_expiry` or `after_expiry`")
                .did_you_mean(word, named.iter().copied());
        }
        let Some(mut table) = Table::open("changes", value, mistakes) else { continue };
        let from = texts(table.get("from"), mistakes);
        let to = texts(table.get("to"), mistakes);
        table.close(mistakes);
        if let (Some(from), Some(to)) = (from, to) {
            changes.insert(word.to_owned(), AllowedChange { from, to });
        }
    }
    if mistakes.count() == before { Some(changes) } else { None }
}
