//! Quiet hours: what wakes people waits for the morning, and nothing else waits.

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use dunlin::engine::effect::{Effect, Notice, NoticeItem};
use dunlin::engine::policy::{Channel, NoticeTrigger, Policy};

use super::slots::is_slot_now;
use super::{Moment, policy_of};

pub(super) fn check(moment: &Moment<'_>) {
    for effect in &moment.decision.effects {
        let Effect::Notice(notice) = effect else { continue };
        for channel in [Channel::Email, Channel::Sms] {
            let waits = notice.items.iter().filter_map(|item| waits(moment, notice, item, channel));
            let expected = waits.max();
            let said = notice.not_before.get(&channel).copied();
            assert_eq!(said, expected, "quiet hours: {channel:?} of {notice:?}");
        }
    }
}

/// Until when the text about one resource waits.
fn waits(
    moment: &Moment<'_>,
    notice: &Notice,
    item: &NoticeItem,
    channel: Channel,
) -> Option<DateTime<Utc>> {
    let after = moment.after(&item.resource);
    let policy = policy_of(after);
    let is_told_by_it = policy.notices.iter().any(|rule| {
        let is_now = match rule.on {
            NoticeTrigger::Slots { .. } | NoticeTrigger::Ahead { .. } => {
                is_slot_now(moment, policy, rule, after)
            }
            _ => true,
        };
        rule.kind == notice.kind && is_now && rule.channels.contains(&channel)
    });
    morning(policy, moment.now).filter(|_| is_told_by_it && is_quiet_for(policy, channel))
}

fn is_quiet_for(policy: &Policy, channel: Channel) -> bool {
    policy.quiet_hours.as_ref().is_some_and(|quiet| quiet.channels.contains(&channel))
}

/// The end of the quiet hours that `now` lies in. They go across midnight where the shipped policies have them.
fn morning(policy: &Policy, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let quiet = policy.quiet_hours.as_ref()?;
    assert!(quiet.from > quiet.until, "the night goes across midnight");
    let local = now.with_timezone(&policy.zone);
    let second = i64::from(local.time().num_seconds_from_midnight());
    let begins = i64::from(quiet.from.num_seconds_from_midnight());
    let ends = i64::from(quiet.until.num_seconds_from_midnight());
    let left = match second {
        _ if second >= begins => ends + 86_400 - second,
        _ if second < ends => ends - second,
        _ => return None,
    };
    Some(now - TimeDelta::nanoseconds(i64::from(local.nanosecond())) + TimeDelta::seconds(left))
}
