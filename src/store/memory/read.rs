//! The questions of the contract, over the tables of the in-memory store.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::state::{Delivery, Queued, State, Taken, kept};
use crate::engine::account::Account;
use crate::engine::breaker::Kind;
use crate::engine::effect::Notice;
use crate::engine::gate::Because;
use crate::engine::id::{AccountId, EventKey, PolicyId, ResourceId};
use crate::engine::policy::Channel;
use crate::engine::resource::{Gated, Resource};
use crate::store::{
    Backlog, Command, CommandState, DecisionQuery, DecisionRow, DeliveryRow, IntentKey, IntentRow,
    IntentsOf, LedgerHead, LedgerRow, PolicyRow, PublicationRow, QuarantineRow, Read,
    ReadyDelivery, ReceiptRow, Received, Result, Selection, SentMessage, Versioned, Waiting, due,
    past,
};

impl State {
    /// The oldest publication of each lane, longest due first.
    fn lane_heads(&self) -> Vec<(i64, &Queued)> {
        let mut lanes = HashSet::new();
        let mut heads: Vec<_> = self
            .publications
            .values()
            .filter(|queued| lanes.insert(&queued.row.lane))
            .map(|queued| (queued.next_at, queued))
            .collect();
        heads.sort_by_key(|(next_at, _)| *next_at);
        heads
    }

    fn of_account<'a>(
        &'a self,
        account: &AccountId,
    ) -> impl Iterator<Item = &'a Versioned<Resource>> {
        let first = (account.clone(), ResourceId::from(""));
        let account = account.clone();
        let rows = self.resources.range(first..);
        rows.take_while(move |((owner, _), _)| *owner == account).map(|(_, row)| row)
    }
}

impl Read for State {
    fn account(&self, id: &AccountId) -> Result<Option<Versioned<Account>>> {
        Ok(self.accounts.get(id).cloned())
    }

    fn resources(
        &self,
        account: &AccountId,
        selection: &Selection<'_>,
    ) -> Result<Vec<Versioned<Resource>>> {
        if selection.all {
            return Ok(self.of_account(account).cloned().collect());
        }
        let mut found = BTreeMap::new();
        if let Some(now) = selection.due {
            let is_due = |row: &&Versioned<Resource>| {
                row.value.wake_at.is_some_and(|wake| due(wake) <= past(now))
            };
            found.extend(self.of_account(account).filter(is_due).map(|row| (&row.value.id, row)));
        }
        if selection.gated {
            let gated = |row: &&Versioned<Resource>| row.value.is_gated();
            found.extend(self.of_account(account).filter(gated).map(|row| (&row.value.id, row)));
        }
        for id in selection.named {
            let row = self.resources.get(&(account.clone(), id.clone()));
            found.extend(row.map(|row| (&row.value.id, row)));
        }
        Ok(found.into_values().cloned().collect())
    }

    fn find_resource(&self, id: &ResourceId) -> Result<Vec<Resource>> {
        let rows = self.resources.values().filter(|row| row.value.id == *id);
        Ok(rows.map(|row| row.value.clone()).collect())
    }

    fn neighbours(
        &self,
        id: &ResourceId,
        each_side: usize,
    ) -> Result<Vec<(ResourceId, AccountId)>> {
        let mut others: Vec<_> = self
            .resources
            .values()
            .map(|row| (&row.value.id, &row.value.account))
            .filter(|(other, _)| *other != id)
            .collect();
        others.sort_unstable();
        let here = others.partition_point(|(other, _)| *other < id);
        let near = here.saturating_sub(each_side)..others.len().min(here.saturating_add(each_side));
        Ok(others[near].iter().map(|(id, account)| ((*id).clone(), (*account).clone())).collect())
    }

    fn due_accounts(
        &self,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<(AccountId, DateTime<Utc>)>> {
        let mut earliest: HashMap<&AccountId, i64> = HashMap::new();
        for (at, account, _) in &self.wakes {
            if *at > past(now) || earliest.len() == limit {
                break;
            }
            earliest.entry(account).or_insert(*at);
        }
        let mut sorted: Vec<_> = earliest.into_iter().collect();
        sorted.sort_unstable_by_key(|(account, at)| (*at, *account));
        Ok(sorted.into_iter().map(|(account, at)| (account.clone(), kept(at))).collect())
    }

    fn next_wake(&self) -> Result<Option<DateTime<Utc>>> {
        Ok(self.wakes.first().map(|(at, ..)| kept(*at)))
    }

    fn gated_accounts(
        &self,
        by: Because,
        until: DateTime<Utc>,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>> {
        let waits = |row: &&Versioned<Resource>| {
            let is_due = |gated: Gated| gated.by == by && due(gated.due_at) <= past(until);
            row.value.gates().any(is_due)
        };
        let rows = self.resources.values().filter(waits).map(|row| &row.value.account);
        let ids: BTreeSet<&AccountId> =
            rows.filter(|id| after.is_none_or(|after| *id > after)).collect();
        Ok(ids.into_iter().take(limit).cloned().collect())
    }

    fn registers(&self, name: &str) -> Result<Vec<(String, String)>> {
        let rows = self.registers.range((name.to_owned(), String::new())..);
        let rows = rows.take_while(|((of, _), _)| of == name);
        Ok(rows.map(|((_, key), body)| (key.clone(), body.clone())).collect())
    }

    fn resources_that(
        &self,
        wait: Waiting,
        after: Option<(&AccountId, &ResourceId)>,
        limit: usize,
    ) -> Result<Vec<Resource>> {
        let waits = |resource: &&Resource| match wait {
            Waiting::Held => resource.held.is_some() || resource.is_gated(),
            Waiting::OnHold => resource.holds.stand(),
        };
        let is_later = |((account, id), _): &(&(AccountId, ResourceId), _)| {
            after.is_none_or(|after| (account, id) > after)
        };
        let rows = self.resources.iter().filter(is_later).map(|(_, row)| &row.value);
        Ok(rows.filter(waits).take(limit).cloned().collect())
    }

    fn accounts_on_hold(&self, after: Option<&AccountId>, limit: usize) -> Result<Vec<Account>> {
        let rows = self.accounts.iter().filter(|(id, _)| after.is_none_or(|after| *id > after));
        let accounts = rows.map(|(_, row)| &row.value).filter(|account| account.holds.stand());
        Ok(accounts.take(limit).cloned().collect())
    }

    fn intents(
        &self,
        of: IntentsOf<'_>,
        after: Option<&IntentKey>,
        limit: usize,
    ) -> Result<Vec<IntentRow>> {
        Ok(self.list_intents(of, after, limit))
    }

    fn waiting_intents(&self) -> Result<Vec<(Kind, PolicyId, u64)>> {
        Ok(self
            .count_waiting(|row| Some((row.kind, row.policy.clone())))
            .into_iter()
            .map(|((kind, policy), count)| (kind, policy, count))
            .collect())
    }

    fn waiting_falls(&self) -> Result<Vec<(DateTime<Utc>, u64)>> {
        let fell = |row: &IntentRow| (row.kind == Kind::Arrears).then_some(row.due_at);
        Ok(self.count_waiting(fell).into_iter().collect())
    }

    fn admitted_accounts(&self, limit: usize) -> Result<Vec<AccountId>> {
        Ok(self.list_admitted(limit))
    }

    fn waiting_commands(&self, limit: usize) -> Result<Vec<Command>> {
        let waits = |command: &&Command| command.state == CommandState::Waiting;
        Ok(self.commands.values().filter(waits).take(limit).cloned().collect())
    }

    fn command(&self, id: i64) -> Result<Option<Command>> {
        Ok(self.commands.get(&id).cloned())
    }

    fn received(&self, key: &EventKey) -> Result<Option<Received>> {
        let received =
            |taken: &Taken| Received { event_type: taken.event_type.clone(), at: kept(taken.at) };
        Ok(self.inbox.get(key).map(received))
    }

    fn quarantined(&self, before: Option<i64>, limit: usize) -> Result<Vec<QuarantineRow>> {
        let page = self.quarantine.range(..before.unwrap_or(i64::MAX)).rev().take(limit);
        let without_body = |(_, row): (_, &QuarantineRow)| {
            let mut row = row.clone();
            row.message.body.clear();
            row
        };
        Ok(page.map(without_body).collect())
    }

    fn quarantined_message(&self, id: i64) -> Result<Option<QuarantineRow>> {
        Ok(self.quarantine.get(&id).cloned())
    }

    fn quarantine_count(&self) -> Result<u64> {
        Ok(count(self.quarantine.len()))
    }

    fn decisions(&self, query: &DecisionQuery<'_>) -> Result<Vec<DecisionRow>> {
        let wanted = |row: &&LedgerRow| {
            row.decision.account == *query.account
                && query.before.is_none_or(|before| row.decision.id < before)
                && query.resource.is_none_or(|resource| row.resources.contains(resource))
        };
        let newest_first = self.decisions.iter().rev().filter(wanted).take(query.limit);
        Ok(newest_first.map(|row| row.decision.clone()).collect())
    }

    fn ledger(
        &self,
        account: &AccountId,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        let wanted = |row: &&LedgerRow| {
            row.decision.account == *account && after.is_none_or(|after| row.decision.id > after)
        };
        Ok(self.decisions.iter().filter(wanted).take(limit).cloned().collect())
    }

    fn ledger_head(&self, account: &AccountId) -> Result<Option<LedgerHead>> {
        Ok(self.heads.get(account).copied())
    }

    fn account_ids(&self, after: Option<&AccountId>, limit: usize) -> Result<Vec<AccountId>> {
        let known: BTreeSet<&AccountId> = self.accounts.keys().chain(self.heads.keys()).collect();
        let rest = known.into_iter().filter(|id| after.is_none_or(|after| *id > after));
        Ok(rest.take(limit).cloned().collect())
    }

    fn ready_publications(
        &self,
        now: DateTime<Utc>,
        limit: usize,
        lanes_in_flight: &HashSet<String>,
    ) -> Result<Vec<PublicationRow>> {
        let heads = self.lane_heads().into_iter();
        Ok(heads
            .filter(|(at, head)| *at <= past(now) && !lanes_in_flight.contains(&head.row.lane))
            .take(limit)
            .map(|(_, head)| head.row.clone())
            .collect())
    }

    fn waiting_publications(&self, lane: &str, limit: usize) -> Result<Vec<PublicationRow>> {
        let of_lane = self.publications.values().filter(|queued| queued.row.lane == lane);
        Ok(of_lane.take(limit).map(|queued| queued.row.clone()).collect())
    }

    fn next_publication(&self, lanes_in_flight: &HashSet<String>) -> Result<Option<DateTime<Utc>>> {
        let mut heads = self.lane_heads().into_iter();
        let next = heads.find(|(_, head)| !lanes_in_flight.contains(&head.row.lane));
        Ok(next.map(|(at, _)| kept(at)))
    }

    fn ready_deliveries(
        &self,
        now: DateTime<Utc>,
        channel: Channel,
        limit: usize,
        in_flight: &HashSet<String>,
    ) -> Result<Vec<ReadyDelivery>> {
        let ready = |delivery: &Delivery| ReadyDelivery {
            id: delivery.row.id.clone(),
            notice_id: delivery.notice.clone(),
            notice: Arc::clone(&self.notices[&delivery.notice]),
            contact: delivery.row.contact,
            channel: delivery.row.channel,
            attempts: delivery.row.attempts,
            created_at: delivery.created_at,
            begun_at: delivery.row.begun_at,
        };
        let due = self.pending.iter().take_while(|(at, ..)| *at <= past(now));
        let ours = due.filter(|(_, _, id)| self.deliveries[id].row.channel == channel);
        let free = ours.filter(|(_, _, id)| !in_flight.contains(id)).take(limit);
        Ok(free.map(|(_, _, id)| ready(&self.deliveries[id])).collect())
    }

    fn next_delivery(
        &self,
        channel: Channel,
        in_flight: &HashSet<String>,
    ) -> Result<Option<DateTime<Utc>>> {
        let ours =
            self.pending.iter().filter(|(_, _, id)| self.deliveries[id].row.channel == channel);
        let mut ours = ours;
        let next = ours.find(|(_, _, id)| !in_flight.contains(id));
        Ok(next.map(|(at, ..)| kept(*at)))
    }

    fn notice(&self, id: &str) -> Result<Option<Notice>> {
        Ok(self.notices.get(id).map(|notice| Notice::clone(notice)))
    }

    fn notice_of(&self, delivery: &str) -> Result<Option<String>> {
        Ok(self.deliveries.get(delivery).map(|delivery| delivery.notice.clone()))
    }

    fn last_notices(&self, account: &AccountId, limit: usize) -> Result<Vec<(String, Notice)>> {
        let of_account = self.notices.iter().filter(|(_, notice)| notice.account == *account);
        let mut all: Vec<_> =
            of_account.map(|(id, one)| (id.clone(), Notice::clone(one))).collect();
        all.sort_by(|a, b| b.1.at.cmp(&a.1.at).then_with(|| a.0.cmp(&b.0)));
        all.truncate(limit);
        Ok(all)
    }

    fn is_erased(&self, notice: &str) -> Result<bool> {
        Ok(self.erased.contains(notice))
    }

    fn deliveries(&self, notice: &str) -> Result<Vec<DeliveryRow>> {
        let mut of: Vec<_> =
            self.deliveries.values().filter(|delivery| delivery.notice == notice).collect();
        of.sort_by_key(|delivery| delivery.sequence);
        Ok(of.into_iter().map(|delivery| delivery.row.clone()).collect())
    }

    fn receipts(&self, delivery: &str) -> Result<Vec<ReceiptRow>> {
        Ok(self
            .deliveries
            .get(delivery)
            .map(|delivery| delivery.receipts.clone())
            .unwrap_or_default())
    }

    fn sent_message(&self, delivery: &str) -> Result<Option<SentMessage>> {
        Ok(self.sent.get(delivery).cloned())
    }

    fn backlog(&self) -> Result<Backlog> {
        let pending = self.pending.iter().map(|(_, _, id)| self.deliveries[id].created_at);
        Ok(Backlog {
            publications: count(self.publications.len()),
            oldest_publication: self.publications.values().next().map(|head| head.row.created_at),
            deliveries: count(self.pending.len()),
            oldest_delivery: pending.min(),
        })
    }

    fn policies(&self) -> Result<Vec<PolicyRow>> {
        Ok(self.policies.values().cloned().collect())
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
