//! What a group did, as metrics. Names by Prometheus convention; no personal data in any label.

use std::time::Duration;

use super::group::Tally;

/// Adds a committed group to the counters.
pub(super) fn record(tally: &Tally, took: Duration) {
    for ((event_type, outcome), count) in &tally.events {
        metrics::counter!("dunlin_events_total", "type" => *event_type, "outcome" => *outcome)
            .increment(*count);
    }
    for (reason, count) in &tally.quarantined {
        metrics::counter!("dunlin_quarantined_total", "reason" => reason.clone()).increment(*count);
    }
    for (effect, count) in &tally.effects {
        metrics::counter!("dunlin_decisions_total", "effect" => *effect).increment(*count);
    }
    if tally.unknown_fields > 0 {
        metrics::counter!("dunlin_unknown_fields_total").increment(tally.unknown_fields);
    }
    if tally.unusable_addresses > 0 {
        tracing::warn!(
            count = tally.unusable_addresses,
            "contacts have addresses that are none; they are not told there"
        );
        metrics::counter!("dunlin_unusable_addresses_total").increment(tally.unusable_addresses);
    }
    metrics::counter!("dunlin_wakes_total").increment(tally.wakes.len() as u64);
    for late in &tally.wakes {
        metrics::histogram!("dunlin_wake_lateness_seconds").record(*late);
    }
    let events: u64 = tally.events.values().sum();
    if events > 0 {
        metrics::histogram!("dunlin_commit_seconds").record(took.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a group is far below 2^52 events")]
        metrics::histogram!("dunlin_commit_events").record(events as f64);
    }
}
