//! What a customer may give back, make smaller, or move to another day.

use std::collections::BTreeSet;

use super::terms::both;
use super::{Bearing, Changes, done};
use crate::engine::policy::{AllowedChange, DowngradeRule, ExpirySync, Returns};
use crate::policy::words;

/// A number that is better for the customer the greater it is.
fn more(what: &str, old: u32, new: u32, changes: &mut Changes) {
    if old != new {
        let bearing = if new > old { Bearing::Generous } else { Bearing::Harsh };
        changes.add(bearing, format!("{what}: {old} -> {new}"));
    }
}

/// Which way something goes that became wider, narrower, both or neither.
fn widened(wider: bool, narrower: bool) -> Bearing {
    match (wider, narrower) {
        (true, false) => Bearing::Generous,
        (false, true) => Bearing::Harsh,
        (true, true) | (false, false) => Bearing::Other,
    }
}

pub(super) fn returns(old: Option<&Returns>, new: Option<&Returns>, changes: &mut Changes) {
    let Some((old, new)) = both((old, new), "return by the customer", changes) else { return };
    let Returns {
        bin,
        within_days,
        unconditional,
        ordinary,
        voucher_years,
        never: _,
        never_ordinary: _,
        to_bin,
    } = old;
    let days = "days after the purchase on which a return may be asked for";
    more(days, *within_days, new.within_days, changes);
    more("unconditional returns of an account", *unconditional, new.unconditional, changes);
    more("ordinary returns of an account", *ordinary, new.ordinary, changes);
    let years = "years for which the voucher of an ordinary return is valid";
    more(years, *voucher_years, new.voucher_years, changes);
    exclusions(old, new, changes);
    changes.differs("what is returned goes to", (bin, &new.bin), |phase| format!("`{phase}`"));
    done::outcome("a return", to_bin, &new.to_bin, changes);
}

/// How far something can be returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Returned {
    Never,
    UnconditionallyOnly,
    AsAnyOther,
}

impl Returned {
    fn of(returns: &Returns, thing: &String) -> Self {
        if words::exclusions(&returns.never).contains(thing) {
            Self::Never
        } else if words::exclusions(&returns.never_ordinary).contains(thing) {
            Self::UnconditionallyOnly
        } else {
            Self::AsAnyOther
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::UnconditionallyOnly => "unconditionally only",
            Self::AsAnyOther => "as anything else",
        }
    }
}

/// Each thing that one of them leaves out, whichever list it stands in.
fn exclusions(old: &Returns, new: &Returns, changes: &mut Changes) {
    let lists = [&old.never, &old.never_ordinary, &new.never, &new.never_ordinary];
    let things: BTreeSet<String> = lists.into_iter().flat_map(words::exclusions).collect();
    for thing in things {
        let (was, is) = (Returned::of(old, &thing), Returned::of(new, &thing));
        if was != is {
            let bearing = widened(is > was, is < was);
            let (was, is) = (was.words(), is.words());
            changes.add(bearing, format!("what can be returned ({thing}): {was} -> {is}"));
        }
    }
}

pub(super) fn downgrade(
    old: Option<&DowngradeRule>,
    new: Option<&DowngradeRule>,
    changes: &mut Changes,
) {
    let Some((old, new)) = both((old, new), "renewal with a downgrade", changes) else { return };
    let DowngradeRule { days_before, until_expiry, after_expiry, changes: _ } = old;
    let days = "days before expiry from which a renewal may come with a downgrade";
    more(days, *days_before, new.days_before, changes);
    fields("up to expiry", until_expiry, &new.until_expiry, changes);
    fields("after expiry", after_expiry, &new.after_expiry, changes);
    let changing = |rule: &DowngradeRule| -> BTreeSet<String> {
        rule.until_expiry.iter().chain(&rule.after_expiry).cloned().collect()
    };
    let anything = AllowedChange { from: Vec::new(), to: Vec::new() };
    for field in changing(old).intersection(&changing(new)) {
        let was = old.changes.get(field).unwrap_or(&anything);
        let is = new.changes.get(field).unwrap_or(&anything);
        if was != is {
            let wider = adds(&was.from, &is.from) || adds(&was.to, &is.to);
            let narrower = adds(&is.from, &was.from) || adds(&is.to, &was.to);
            let (then, now) = (words::allowed_change(was), words::allowed_change(is));
            let text = format!("{field} may change with a renewal: {then} -> {now}");
            changes.add(widened(wider, narrower), text);
        }
    }
}

fn fields(when: &str, old: &[String], new: &[String], changes: &mut Changes) {
    let only = |these: &[String], others: &[String]| -> Vec<String> {
        these.iter().filter(|field| !others.contains(field)).cloned().collect()
    };
    let (gained, lost) = (only(new, old), only(old, new));
    if !gained.is_empty() {
        changes.gained(format!("{} may now change {when}", words::list(gained)));
    }
    if !lost.is_empty() {
        changes.lost(format!("{} may not change {when} any more", words::list(lost)));
    }
}

/// Whether `new` holds what `old` does not. An empty list holds everything.
fn adds(old: &[String], new: &[String]) -> bool {
    if new.is_empty() {
        return !old.is_empty();
    }
    !old.is_empty() && new.iter().any(|one| !old.contains(one))
}

pub(super) fn expiry_sync(
    old: Option<&ExpirySync>,
    new: Option<&ExpirySync>,
    changes: &mut Changes,
) {
    let what = "way to move expiries to one day of the month";
    let Some((old, new)) = both((old, new), what, changes) else { return };
    if old == new {
        return;
    }
    let ExpirySync { first_day, last_day } = old;
    let wider = new.first_day < *first_day || new.last_day > *last_day;
    let narrower = new.first_day > *first_day || new.last_day < *last_day;
    let (then, now) = (words::sync_days(old), words::sync_days(new));
    let text = format!("days of the month that expiries may be moved to: {then} -> {now}");
    changes.add(widened(wider, narrower), text);
}

#[cfg(test)]
mod tests {
    use super::super::tests::{between, changes, policy};
    use super::*;

    #[test]
    fn days_and_quotas_of_returns_are_better_the_more_there_are() {
        let of = |edit| changes("tencent-cvm-prepaid", &[edit]);
        for (before, more, less, said) in [
            (
                "within_days = 5",
                "within_days = 7",
                "within_days = 3",
                "days after the purchase on which a return may be asked for: 5 -> ",
            ),
            (
                "unconditional = 1",
                "unconditional = 2",
                "unconditional = 0",
                "unconditional returns of an account: 1 -> ",
            ),
            (
                "ordinary = 3",
                "ordinary = 4",
                "ordinary = 0",
                "ordinary returns of an account: 3 -> ",
            ),
            (
                "voucher_valid_for_years = 2",
                "voucher_valid_for_years = 3",
                "voucher_valid_for_years = 1",
                "years for which the voucher of an ordinary return is valid: 2 -> ",
            ),
        ] {
            for (after, sign) in [(more, '+'), (less, '-')] {
                let number = after.rsplit(' ').next().expect("a number");
                assert_eq!(of((before, after)), [format!("{sign} {said}{number}")]);
            }
        }
    }

    #[test]
    fn what_cannot_be_returned_is_compared_thing_by_thing_over_both_lists() {
        let moved = changes(
            "tencent-cvm-prepaid",
            &[
                (
                    "never = { flags = [\"converted_from_postpaid\", \"suspicious\"] }",
                    "never = { families = [\"SN2\", \"GN7\"], flags = [\"suspicious\"] }",
                ),
                ("families = [\"SN2\", \"CN2\", \"FX2\"]", "families = [\"CN2\", \"FX2\"]"),
                ("flags = [\"promotional\"]", "flags = [\"converted_from_postpaid\"]"),
            ],
        );
        assert_eq!(
            moved,
            [
                "+ what can be returned (bought in a promotion): unconditionally only -> as anything \
                 else",
                "+ what can be returned (bought postpaid and converted): never -> unconditionally only",
                "- what can be returned (instance family GN7): as anything else -> never",
                "- what can be returned (instance family SN2): unconditionally only -> never",
            ]
        );
    }

    #[test]
    fn a_return_that_comes_or_goes_or_does_more_is_said() {
        let retain = changes(
            "tencent-cvm-prepaid",
            &[(
                "basic_network_link\"]\nretain = [\"disk\", \"elastic_disk\"]\nretain_billable",
                "basic_network_link\"]\nretain = [\"disk\"]\nretain_billable",
            )],
        );
        assert!(
            retain.contains(&"- a return no longer keeps elastic_disk".to_owned()),
            "{retain:?}"
        );
        let none = changes("alibaba-ecs-subscription", &[(SYNC, "")]);
        assert_eq!(none, ["- there is no way to move expiries to one day of the month any more"]);
    }

    const SYNC: &str = "[expiry_sync]\nfirst_day = 1\nlast_day = 28\n";

    #[test]
    fn days_to_synchronise_to_are_better_the_more_there_are() {
        let of = |after: &str| {
            changes("alibaba-ecs-subscription", &[("first_day = 1\nlast_day = 28", after)])
        };
        let said = "days of the month that expiries may be moved to: 1 to 28 ->";
        assert_eq!(of("first_day = 1\nlast_day = 15"), [format!("- {said} 1 to 15")]);
        assert_eq!(of("first_day = 5\nlast_day = 5"), [format!("- {said} 5")]);
        let mut old = policy("alibaba-ecs-subscription");
        old.expiry_sync = Some(ExpirySync { first_day: 2, last_day: 8 });
        let mut new = old.clone();
        new.expiry_sync = Some(ExpirySync { first_day: 3, last_day: 9 });
        let said = "~ days of the month that expiries may be moved to: 2 to 8 -> 3 to 9";
        assert_eq!(between(&old, &new), [said]);
        new.expiry_sync = Some(ExpirySync { first_day: 1, last_day: 8 });
        let said = "+ days of the month that expiries may be moved to: 2 to 8 -> 1 to 8";
        assert_eq!(between(&old, &new), [said]);
    }

    #[test]
    fn a_downgrade_is_more_generous_the_earlier_and_the_more_may_change() {
        let of = |edit| changes("alibaba-ecs-subscription", &[edit]);
        assert_eq!(
            of(("days_before = 15", "days_before = 30")),
            ["+ days before expiry from which a renewal may come with a downgrade: 15 -> 30"]
        );
        assert_eq!(
            of(("days_before = 15", "days_before = 7")),
            ["- days before expiry from which a renewal may come with a downgrade: 15 -> 7"]
        );
        assert_eq!(
            of((
                "until_expiry = [\"instance_type\", \"bandwidth\"",
                "until_expiry = [\"disk_size\", \"bandwidth\"",
            )),
            [
                "+ disk_size may now change up to expiry",
                "- instance_type may not change up to expiry any more",
            ]
        );
        assert_eq!(
            of(("after_expiry = [\"bandwidth\", ", "after_expiry = [")),
            ["- bandwidth may not change after expiry any more"]
        );
        let change = |after: &'static str| {
            of(("network_billing = { from = [\"bandwidth\"], to = [\"traffic\"] }", after))
        };
        let said = "network_billing may change with a renewal: from bandwidth to traffic ->";
        for (after, expected) in [
            ("", format!("+ {said} from anything to anything")),
            (
                "network_billing = { to = [\"traffic\"] }",
                format!("+ {said} from anything to traffic"),
            ),
            (
                "network_billing = { from = [\"traffic\"], to = [\"bandwidth\"] }",
                format!("~ {said} from traffic to bandwidth"),
            ),
        ] {
            assert_eq!(change(after), [expected]);
        }
        let none = changes(
            "alibaba-ecs-subscription",
            &[("changes = {", "changes = { bandwidth = { to = [\"1\"] },")],
        );
        assert_eq!(
            none,
            [
                "- bandwidth may change with a renewal: from anything to anything -> from anything to 1"
            ]
        );
    }
}
