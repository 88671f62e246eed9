//! Readers and transactions answer alike: both hand every question on to the tables behind them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{
    Backlog, Command, DecisionQuery, DecisionRow, DeliveryRow, IntentKey, IntentRow, IntentsOf,
    LedgerHead, LedgerRow, PolicyRow, PublicationRow, QuarantineRow, Read, ReadyDelivery,
    ReceiptRow, Received, Result, Selection, SentMessage, Versioned, Waiting,
};
use crate::engine::account::Account;
use crate::engine::breaker::Kind;
use crate::engine::effect::Notice;
use crate::engine::gate::Because;
use crate::engine::id::{AccountId, EventKey, PolicyId, ResourceId};
use crate::engine::policy::Channel;
use crate::engine::resource::Resource;

/// What has tables can be read.
pub(super) trait Asks {
    /// What answers.
    type Tables: Read + ?Sized;

    /// Asks it.
    fn ask<R>(&self, question: impl FnOnce(&Self::Tables) -> R) -> R;
}

impl<A: Asks> Read for A {
    fn account(&self, id: &AccountId) -> Result<Option<Versioned<Account>>> {
        self.ask(|tables| tables.account(id))
    }

    fn resources(
        &self,
        account: &AccountId,
        selection: &Selection<'_>,
    ) -> Result<Vec<Versioned<Resource>>> {
        self.ask(|tables| tables.resources(account, selection))
    }

    fn find_resource(&self, id: &ResourceId) -> Result<Vec<Resource>> {
        self.ask(|tables| tables.find_resource(id))
    }

    fn neighbours(
        &self,
        id: &ResourceId,
        each_side: usize,
    ) -> Result<Vec<(ResourceId, AccountId)>> {
        self.ask(|tables| tables.neighbours(id, each_side))
    }

    fn due_accounts(
        &self,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<(AccountId, DateTime<Utc>)>> {
        self.ask(|tables| tables.due_accounts(now, limit))
    }

    fn next_wake(&self) -> Result<Option<DateTime<Utc>>> {
        self.ask(|tables| tables.next_wake())
    }

    fn gated_accounts(
        &self,
        by: Because,
        until: DateTime<Utc>,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>> {
        self.ask(|tables| tables.gated_accounts(by, until, after, limit))
    }

    fn registers(&self, name: &str) -> Result<Vec<(String, String)>> {
        self.ask(|tables| tables.registers(name))
    }

    fn resources_that(
        &self,
        wait: Waiting,
        after: Option<(&AccountId, &ResourceId)>,
        limit: usize,
    ) -> Result<Vec<Resource>> {
        self.ask(|tables| tables.resources_that(wait, after, limit))
    }

    fn accounts_on_hold(&self, after: Option<&AccountId>, limit: usize) -> Result<Vec<Account>> {
        self.ask(|tables| tables.accounts_on_hold(after, limit))
    }

    fn intents(
        &self,
        of: IntentsOf<'_>,
        after: Option<&IntentKey>,
        limit: usize,
    ) -> Result<Vec<IntentRow>> {
        self.ask(|tables| tables.intents(of, after, limit))
    }

    fn waiting_intents(&self) -> Result<Vec<(Kind, PolicyId, u64)>> {
        self.ask(|tables| tables.waiting_intents())
    }

    fn waiting_falls(&self) -> Result<Vec<(DateTime<Utc>, u64)>> {
        self.ask(|tables| tables.waiting_falls())
    }

    fn admitted_accounts(&self, limit: usize) -> Result<Vec<AccountId>> {
        self.ask(|tables| tables.admitted_accounts(limit))
    }

    fn waiting_commands(&self, limit: usize) -> Result<Vec<Command>> {
        self.ask(|tables| tables.waiting_commands(limit))
    }

    fn command(&self, id: i64) -> Result<Option<Command>> {
        self.ask(|tables| tables.command(id))
    }

    fn received(&self, key: &EventKey) -> Result<Option<Received>> {
        self.ask(|tables| tables.received(key))
    }

    fn quarantined(&self, before: Option<i64>, limit: usize) -> Result<Vec<QuarantineRow>> {
        self.ask(|tables| tables.quarantined(before, limit))
    }

    fn quarantined_message(&self, id: i64) -> Result<Option<QuarantineRow>> {
        self.ask(|tables| tables.quarantined_message(id))
    }

    fn quarantine_count(&self) -> Result<u64> {
        self.ask(|tables| tables.quarantine_count())
    }

    fn decisions(&self, query: &DecisionQuery<'_>) -> Result<Vec<DecisionRow>> {
        self.ask(|tables| tables.decisions(query))
    }

    fn ledger(
        &self,
        account: &AccountId,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        self.ask(|tables| tables.ledger(account, after, limit))
    }

    fn ledger_head(&self, account: &AccountId) -> Result<Option<LedgerHead>> {
        self.ask(|tables| tables.ledger_head(account))
    }

    fn account_ids(&self, after: Option<&AccountId>, limit: usize) -> Result<Vec<AccountId>> {
        self.ask(|tables| tables.account_ids(after, limit))
    }

    fn ready_publications(
        &self,
        now: DateTime<Utc>,
        limit: usize,
        lanes_in_flight: &HashSet<String>,
    ) -> Result<Vec<PublicationRow>> {
        self.ask(|tables| tables.ready_publications(now, limit, lanes_in_flight))
    }

    fn waiting_publications(&self, lane: &str, limit: usize) -> Result<Vec<PublicationRow>> {
        self.ask(|tables| tables.waiting_publications(lane, limit))
    }

    fn next_publication(&self, lanes_in_flight: &HashSet<String>) -> Result<Option<DateTime<Utc>>> {
        self.ask(|tables| tables.next_publication(lanes_in_flight))
    }

    fn ready_deliveries(
        &self,
        now: DateTime<Utc>,
        channel: Channel,
        limit: usize,
        in_flight: &HashSet<String>,
    ) -> Result<Vec<ReadyDelivery>> {
        self.ask(|tables| tables.ready_deliveries(now, channel, limit, in_flight))
    }

    fn next_delivery(
        &self,
        channel: Channel,
        in_flight: &HashSet<String>,
    ) -> Result<Option<DateTime<Utc>>> {
        self.ask(|tables| tables.next_delivery(channel, in_flight))
    }

    fn notice(&self, id: &str) -> Result<Option<Notice>> {
        self.ask(|tables| tables.notice(id))
    }

    fn notice_of(&self, delivery: &str) -> Result<Option<String>> {
        self.ask(|tables| tables.notice_of(delivery))
    }

    fn last_notices(&self, account: &AccountId, limit: usize) -> Result<Vec<(String, Notice)>> {
        self.ask(|tables| tables.last_notices(account, limit))
    }

    fn is_erased(&self, notice: &str) -> Result<bool> {
        self.ask(|tables| tables.is_erased(notice))
    }

    fn deliveries(&self, notice: &str) -> Result<Vec<DeliveryRow>> {
        self.ask(|tables| tables.deliveries(notice))
    }

    fn receipts(&self, delivery: &str) -> Result<Vec<ReceiptRow>> {
        self.ask(|tables| tables.receipts(delivery))
    }

    fn sent_message(&self, delivery: &str) -> Result<Option<SentMessage>> {
        self.ask(|tables| tables.sent_message(delivery))
    }

    fn backlog(&self) -> Result<Backlog> {
        self.ask(|tables| tables.backlog())
    }

    fn policies(&self) -> Result<Vec<PolicyRow>> {
        self.ask(|tables| tables.policies())
    }
}
