//! `[broker]`: the type is `broker`'s own, and so are the checks; here they meet the origins of the keys.

use crate::broker::BrokerSettings;
use crate::settings::report::Report;

/// Reports everything that can be seen without the broker.
pub(in crate::settings) fn check(broker: &BrokerSettings, report: &mut Report<'_>) {
    for mistake in broker.problems() {
        report.refuse(&format!("broker.{}", mistake.key), mistake.problem);
    }
}
