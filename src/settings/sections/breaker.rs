//! `[breaker]`: how many stops, releases and accounts below zero at once are too many (SAFE-6).

use chrono::TimeDelta;
use serde::Deserialize;

use crate::engine::breaker::Limit;
use crate::settings::report::Report;
use crate::worker::BreakerSettings;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Written {
    window_secs: u32,
    stops_per_policy: u64,
    stops_overall: u64,
    releases_per_policy: u64,
    releases_overall: u64,
    arrears_per_hour: u64,
    share_percent: u64,
    share_floor: u64,
    settle_ms: u32,
    settle_max_secs: u32,
    patience_secs: u32,
}

impl Written {
    pub(in crate::settings) fn check(self, report: &mut Report<'_>) -> BreakerSettings {
        const MOST: u64 = 100_000_000;
        report.within("breaker.window_secs", self.window_secs, 60..=604_800);
        for (key, number) in [
            ("breaker.stops_per_policy", self.stops_per_policy),
            ("breaker.stops_overall", self.stops_overall),
            ("breaker.releases_per_policy", self.releases_per_policy),
            ("breaker.releases_overall", self.releases_overall),
            ("breaker.arrears_per_hour", self.arrears_per_hour),
        ] {
            report.within(key, number, 1..=MOST);
        }
        report.within("breaker.share_percent", self.share_percent, 1..=100);
        report.within("breaker.share_floor", self.share_floor, 0..=MOST);
        report.within("breaker.settle_ms", self.settle_ms, 0..=60_000);
        report.within("breaker.settle_max_secs", self.settle_max_secs, 1..=600);
        report.within("breaker.patience_secs", self.patience_secs, 0..=3_600);
        let (share_percent, floor) = (self.share_percent, self.share_floor);
        let limit = |number| Limit { number, share_percent, floor };
        BreakerSettings {
            window: TimeDelta::seconds(self.window_secs.into()),
            stops: (limit(self.stops_per_policy), limit(self.stops_overall)),
            releases: (limit(self.releases_per_policy), limit(self.releases_overall)),
            arrears: limit(self.arrears_per_hour),
            settle: TimeDelta::milliseconds(self.settle_ms.into()),
            settle_max: TimeDelta::seconds(self.settle_max_secs.into()),
            patience: TimeDelta::seconds(self.patience_secs.into()),
        }
    }
}
