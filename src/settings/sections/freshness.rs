//! `[freshness]` and `[[sources]]`: who may say what, and what must be known before anything is released.

use core::time::Duration;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::event::EVENT_TYPES;
use crate::settings::report::Report;
use crate::worker::{Freshness, HEARTBEAT, Proof, Rules, Sources};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Written {
    default: Proof,
    only_listed: bool,
    patience_secs: u64,
    silent_secs: u64,
    sources_max: usize,
    marker_interval_ms: u64,
    marker_timeout_secs: u64,
    clock_tolerance_secs: u64,
}

/// One `[[sources]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Source {
    source: String,
    freshness: Option<String>,
    types: Option<Vec<String>>,
    users: Option<Vec<String>>,
}

impl Written {
    pub(in crate::settings) fn check(
        self,
        sources: Vec<Source>,
        report: &mut Report<'_>,
    ) -> Freshness {
        report.within("freshness.patience_secs", self.patience_secs, 0..=86_400);
        report.within("freshness.silent_secs", self.silent_secs, 10..=604_800);
        report.within("freshness.sources_max", self.sources_max, 1..=10_000);
        report.within("freshness.marker_interval_ms", self.marker_interval_ms, 100..=3_600_000);
        report.within("freshness.marker_timeout_secs", self.marker_timeout_secs, 1..=86_400);
        report.within("freshness.clock_tolerance_secs", self.clock_tolerance_secs, 1..=3_600);
        let listed = listed(sources, self.default, report);
        if self.only_listed && listed.is_empty() {
            let problem = "is true, and `sources` lists none: nobody could say anything";
            report.refuse("freshness.only_listed", problem);
        }
        Freshness {
            sources: Sources { listed, only_listed: self.only_listed, default: self.default },
            patience: Duration::from_secs(self.patience_secs),
            silent_after: Duration::from_secs(self.silent_secs),
            sources_max: self.sources_max,
            marker_every: Duration::from_millis(self.marker_interval_ms),
            marker_timeout: Duration::from_secs(self.marker_timeout_secs),
            clock_tolerance: Duration::from_secs(self.clock_tolerance_secs),
        }
    }
}

fn listed(
    sources: Vec<Source>,
    default: Proof,
    report: &mut Report<'_>,
) -> BTreeMap<String, Rules> {
    let mut listed = BTreeMap::new();
    for (number, one) in sources.into_iter().enumerate() {
        let at = |key: &str| format!("sources[{number}].{key}");
        if one.source.trim().is_empty() {
            report.refuse(&at("source"), "is empty");
        }
        report.line(&at("source"), &one.source);
        for (key, list) in [("types", &one.types), ("users", &one.users)] {
            if list.as_ref().is_some_and(Vec::is_empty) {
                report.refuse_with(
                    &at(key),
                    "is empty, which could mean all or none",
                    "leave it out for all",
                );
            }
        }
        for pattern in one.types.iter().flatten() {
            if !EVENT_TYPES.iter().any(|known| Rules::lets(pattern, known)) {
                let hint = "`dunlin schema` lists the types; a final * stands for any end";
                report.refuse_with(
                    &at("types"),
                    format!("no event is of the type {pattern:?}"),
                    hint,
                );
            }
        }
        let freshness = one.freshness.and_then(|word| match word.as_str() {
            "heartbeat" => Some(Proof::Heartbeat),
            "queue-only" => Some(Proof::QueueOnly),
            _ => {
                let problem = format!("expected one of heartbeat, queue-only, found {word:?}");
                report.refuse(&at("freshness"), problem);
                None
            }
        });
        let rules = Rules { freshness, types: one.types, users: one.users };
        let needs_heartbeats = rules.freshness.unwrap_or(default) == Proof::Heartbeat;
        if needs_heartbeats && !rules.may_send(HEARTBEAT) {
            let problem = format!("leaves out {HEARTBEAT}, without which nothing is ever released");
            let hint = "let it through, or say freshness = \"queue-only\" for this source";
            report.refuse_with(&at("types"), problem, hint);
        }
        if listed.insert(one.source, rules).is_some() {
            report.refuse(&at("source"), "was listed before");
        }
    }
    listed
}
