//! What an account has and since when it owes, by the reports alone: the later instant counts, and of one instant the highest
//! (SAFE-3, POST-2, POST-7).
//!
//! Only as long as no report is numbered: numbers that contradict the times are the ledger's own tests'.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use dunlin::engine::input::{Body, Event};
use rust_decimal::Decimal;

use super::Moment;

/// What was reported, by instant.
#[derive(Debug, Default)]
pub(super) struct Reports {
    highest: BTreeMap<DateTime<Utc>, Decimal>,
    is_numbered: bool,
}

/// The engine may forget older ones.
const REMEMBERED: usize = 16;

impl Reports {
    pub(super) fn check(&mut self, moment: &Moment<'_>) {
        let account = &moment.decision.after.account;
        let Some(profile) = &account.profile else { return };
        // What waited until the account was known counts from then on.
        let is_news = moment.whole.account.profile.is_none();
        let waited = moment.whole.account.parked.iter().filter(|_| is_news);
        for Event { time, body, .. } in waited.chain(moment.events) {
            let Body::BalanceReported { balance, sequence } = body else { continue };
            if balance.currency == profile.value.currency {
                self.is_numbered |= sequence.is_some();
                let highest = self.highest.entry(*time).or_insert(balance.amount);
                *highest = balance.amount.max(*highest);
            }
        }
        if self.is_numbered || self.highest.len() > REMEMBERED {
            return;
        }
        let current = self.highest.values().next_back().copied();
        assert_eq!(account.balances.current(), current, "POST-7: {:?}", self.highest);
        let owing = self.highest.iter().rev().take_while(|(_, amount)| **amount < Decimal::ZERO);
        let since = owing.last().map(|(time, _)| *time);
        // A fall below zero that is not admitted is known all the same (SAFE-6).
        let begun = account.arrears.map(|arrears| arrears.since).or(account.doubted);
        assert_eq!(begun, since, "POST-2: {:?}", self.highest);
    }
}
