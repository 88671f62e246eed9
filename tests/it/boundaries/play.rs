//! Plays a story on the simulated clock and says what it came to, one line a decision.

use std::sync::OnceLock;

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::effect::Effect;
use dunlin::engine::input::Event;
use dunlin::engine::policy::PolicySet;
use dunlin::policy::{Policies, parse};
use dunlin::simulate::Simulation;

use super::story;

/// The shipped lifecycles, and one whose clocks are put forward and back.
fn policies() -> &'static PolicySet {
    static POLICIES: OnceLock<PolicySet> = OnceLock::new();
    POLICIES.get_or_init(|| {
        let policies = Policies::shipped();
        let text = policies.texts.iter().find(|text| text.key.id.as_str() == "tencent-cvm-prepaid");
        let text = text.expect("a shipped policy").text.replace("Asia/Shanghai", "Europe/Berlin");
        let text = text.replace("\"tencent-cvm-prepaid\"", "\"prepaid-in-berlin\"");
        let mut set = policies.set;
        set.insert(parse("prepaid-in-berlin.toml", &text).expect("a policy").0);
        set
    })
}

type Line = (DateTime<Utc>, String);

fn played(events: Vec<Event>, until: DateTime<Utc>) -> Vec<Line> {
    let mut simulation = Simulation::new(policies());
    let mut decided = Vec::new();
    for event in events {
        decided.extend(simulation.read(event));
    }
    decided.extend(simulation.run_until(until));
    let effects = decided.into_iter().flat_map(|one| {
        let at = one.at;
        one.decision.effects.into_iter().map(move |effect| (at, effect))
    });
    effects.filter_map(|(at, effect)| Some((at, line(&effect)?))).collect()
}

fn line(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Transition(one) => format!("{} {} -> {}", one.resource, one.from, one.to),
        Effect::ChargeRequested(one) => format!("charge {}", one.attempt),
        Effect::ChargeCancelled { charge, .. } => format!("called back {charge}"),
        Effect::Renewal(one) => {
            let day = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            format!("renewed {} to {}", day(one.starts_at), day(one.expires_at))
        }
        Effect::Refund(one) => format!("refund {:?} {}", one.method, one.amount.amount),
        Effect::Rejected(one) => format!("rejected {:?} {:?}", one.request, one.code),
        Effect::Held(one) => format!("held {}", one.to),
        Effect::Notice(one) => format!("notice {}", one.kind),
        Effect::Unreachable { .. } => return None,
    })
}

/// Whether `line` comes at this very second, not one earlier and not once more one later.
pub(super) fn due(story: &str, at: &str, line: &str) -> Result<(), String> {
    let at = story::instant(at);
    let second = TimeDelta::seconds(1);
    let said = |until| -> Vec<DateTime<Utc>> {
        let lines = played(story::events(story), until).into_iter();
        lines
            .filter(|(_, said)| said == line)
            .map(|(at, _)| at)
            .filter(|said| *said > at - second * 2)
            .collect()
    };
    let (before, then, after) = (said(at - second), said(at), said(at + second));
    if before.is_empty() && then == [at] && after == [at] {
        Ok(())
    } else {
        Err(format!("a second before {before:?}, then {then:?}, a second after {after:?}"))
    }
}

/// Whether an event that comes a second before, at, and after `at` leads to these lines, from a second before to one after;
/// notices are left out.
pub(super) fn around(story: &str, event: &str, at: &str, lines: [&str; 3]) -> Result<(), String> {
    let at = story::instant(at);
    for (offset, wanted) in [-1, 0, 1].into_iter().zip(lines) {
        let time = at + TimeDelta::seconds(offset);
        let mut events = story::events(story);
        let place = events.partition_point(|known| known.time <= time);
        events.insert(place, story::another(time, event));
        let said =
            since(played(events, at + TimeDelta::seconds(1)), at - TimeDelta::seconds(1), false);
        if said != wanted {
            return Err(format!("{offset} s: {said}"));
        }
    }
    Ok(())
}

/// Whether a story leads to these lines, from `from` on and up to `until`, notices among them.
pub(super) fn whole(story: &str, from: &str, until: &str, wanted: &str) -> Result<(), String> {
    let said =
        since(played(story::events(story), story::instant(until)), story::instant(from), true);
    if said == wanted { Ok(()) } else { Err(said) }
}

fn since(lines: Vec<Line>, from: DateTime<Utc>, notices: bool) -> String {
    let lines = lines
        .into_iter()
        .filter(|(at, line)| *at >= from && (notices || !line.starts_with("notice")));
    lines.map(|(_, line)| line).collect::<Vec<_>>().join("; ")
}
