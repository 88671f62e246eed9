//! When nothing is taken away, and when nobody is woken.

use super::Changes;
use crate::engine::hours::{QuietHours, WorkingDays};
use crate::engine::policy::Policy;
use crate::policy::words;

/// More days without work are more days on which nothing is taken away, where a step waits for working days at all.
pub(super) fn working_days(old: &Policy, new: &Policy, changes: &mut Changes) {
    let waits = |policy: &Policy| policy.steps.iter().any(|step| step.at.working_days_only);
    if !waits(old) || !waits(new) {
        return;
    }
    let closed = only(&new.working_days, &old.working_days);
    if !closed.is_empty() {
        let days = words::list(closed);
        changes.gained(format!("what waits for a working day does not come on {days} any more"));
    }
    let open = only(&old.working_days, &new.working_days);
    if !open.is_empty() {
        let days = words::list(open);
        changes.lost(format!("what waits for a working day may come on {days} now"));
    }
}

/// The days without work that one has and the other has not.
fn only(these: &WorkingDays, others: &WorkingDays) -> Vec<String> {
    let WorkingDays { weekend, holidays } = these;
    let weekdays = weekend.iter().filter(|day| !others.weekend.contains(day));
    let dates = holidays.difference(&others.holidays);
    let weekdays = weekdays.map(|day| words::weekday(*day).to_owned());
    weekdays.chain(dates.map(ToString::to_string)).collect()
}

/// Who sleeps longer hears later: neither more nor less.
pub(super) fn quiet(old: Option<&QuietHours>, new: Option<&QuietHours>, changes: &mut Changes) {
    changes.differs("what waits for the end of quiet hours", (&old, &new), |hours| match hours {
        None => "nothing".to_owned(),
        Some(hours) => format!("{} {}", words::channels(&hours.channels), words::stretch(hours)),
    });
}

#[cfg(test)]
mod tests {
    use super::super::tests::{between, changes, policy};

    #[test]
    fn a_day_without_work_more_is_a_day_later_for_what_waits() {
        let of = |edit| changes("recommended-postpaid", &[edit]);
        let days = "weekend = [\"sat\", \"sun\"]";
        assert_eq!(
            of((days, "weekend = [\"fri\", \"sat\", \"sun\"]")),
            ["+ what waits for a working day does not come on Friday any more"]
        );
        assert_eq!(
            of((days, "weekend = [\"sun\"]")),
            ["- what waits for a working day may come on Saturday now"]
        );
        assert_eq!(
            of(("\"2026-01-01\", \"2026-01-02\"", "\"2026-01-01\", \"2026-01-05\"")),
            [
                "+ what waits for a working day does not come on 2026-01-05 any more",
                "- what waits for a working day may come on 2026-01-02 now",
            ]
        );
    }

    #[test]
    fn a_calendar_that_nothing_waits_for_is_nothing_that_a_customer_notices() {
        let mut new = policy("tencent-cvm-prepaid");
        new.working_days = policy("recommended-prepaid").working_days;
        assert_eq!(between(&policy("tencent-cvm-prepaid"), &new), [""; 0]);
    }

    #[test]
    fn a_step_that_waits_for_a_working_day_is_later() {
        let old = policy("recommended-prepaid");
        let mut new = old.clone();
        for step in &mut new.steps {
            step.at.working_days_only = false;
        }
        let said = ["`recycled` to `released`", "`stopped` to `released`"];
        let gone = said.map(|step| format!("- {step} does not wait for a working day any more"));
        assert_eq!(between(&old, &new), gone);
        let come = said.map(|step| format!("+ {step} waits for a working day now"));
        assert_eq!(between(&new, &old), come);
    }

    #[test]
    fn a_step_that_is_new_says_that_it_waits_for_a_working_day() {
        let changes = between(&policy("tencent-cvm-prepaid"), &policy("recommended-prepaid"));
        let released = changes.iter().find(|one| one.starts_with("+ `released` comes"));
        assert!(released.is_some_and(|one| one.ends_with(", on a working day")), "{changes:#?}");
    }

    #[test]
    fn quiet_hours_are_neither_more_nor_less() {
        let later = changes("recommended-prepaid", &[("until = \"08:00\"", "until = \"09:00\"")]);
        let said = "~ what waits for the end of quiet hours: SMS from 21:00 to 08:00 ->";
        assert_eq!(later, [format!("{said} SMS from 21:00 to 09:00")]);
        let old = policy("recommended-prepaid");
        let mut new = old.clone();
        new.quiet_hours = None;
        assert_eq!(between(&old, &new), [format!("{said} nothing")]);
    }
}
