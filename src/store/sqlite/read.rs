//! The questions of the contract, each answered by the file that knows its tables.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::{
    commands, decisions, erase, gates, inbox, intents, ledger, notices, publications, state,
};
use crate::engine::account::Account;
use crate::engine::breaker::Kind;
use crate::engine::effect::Notice;
use crate::engine::gate::Because;
use crate::engine::id::{AccountId, EventKey, PolicyId, ResourceId};
use crate::engine::policy::Channel;
use crate::engine::resource::Resource;
use crate::store::{
    Backlog, Command, DecisionQuery, DecisionRow, DeliveryRow, IntentKey, IntentRow, IntentsOf,
    LedgerHead, LedgerRow, PolicyRow, PublicationRow, QuarantineRow, Read, ReadyDelivery,
    ReceiptRow, Received, Result, Selection, SentMessage, Versioned, Waiting,
};

impl Read for Connection {
    fn account(&self, id: &AccountId) -> Result<Option<Versioned<Account>>> {
        state::account(self, id)
    }

    fn resources(
        &self,
        account: &AccountId,
        selection: &Selection<'_>,
    ) -> Result<Vec<Versioned<Resource>>> {
        state::resources(self, account, selection)
    }

    fn find_resource(&self, id: &ResourceId) -> Result<Vec<Resource>> {
        state::find_resource(self, id)
    }

    fn neighbours(
        &self,
        id: &ResourceId,
        each_side: usize,
    ) -> Result<Vec<(ResourceId, AccountId)>> {
        state::neighbours(self, id, each_side)
    }

    fn due_accounts(
        &self,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<(AccountId, DateTime<Utc>)>> {
        state::due_accounts(self, now, limit)
    }

    fn next_wake(&self) -> Result<Option<DateTime<Utc>>> {
        state::next_wake(self)
    }

    fn gated_accounts(
        &self,
        by: Because,
        until: DateTime<Utc>,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>> {
        gates::gated_accounts(self, by, until, after, limit)
    }

    fn registers(&self, name: &str) -> Result<Vec<(String, String)>> {
        gates::registers(self, name)
    }

    fn resources_that(
        &self,
        wait: Waiting,
        after: Option<(&AccountId, &ResourceId)>,
        limit: usize,
    ) -> Result<Vec<Resource>> {
        state::resources_that(self, wait, after, limit)
    }

    fn accounts_on_hold(&self, after: Option<&AccountId>, limit: usize) -> Result<Vec<Account>> {
        state::accounts_on_hold(self, after, limit)
    }

    fn intents(
        &self,
        of: IntentsOf<'_>,
        after: Option<&IntentKey>,
        limit: usize,
    ) -> Result<Vec<IntentRow>> {
        intents::list(self, of, after, limit)
    }

    fn waiting_intents(&self) -> Result<Vec<(Kind, PolicyId, u64)>> {
        intents::waiting(self)
    }

    fn waiting_falls(&self) -> Result<Vec<(DateTime<Utc>, u64)>> {
        intents::falls(self)
    }

    fn admitted_accounts(&self, limit: usize) -> Result<Vec<AccountId>> {
        intents::admitted(self, limit)
    }

    fn waiting_commands(&self, limit: usize) -> Result<Vec<Command>> {
        commands::waiting(self, limit)
    }

    fn command(&self, id: i64) -> Result<Option<Command>> {
        commands::get(self, id)
    }

    fn received(&self, key: &EventKey) -> Result<Option<Received>> {
        inbox::received(self, key)
    }

    fn quarantined(&self, before: Option<i64>, limit: usize) -> Result<Vec<QuarantineRow>> {
        inbox::list(self, before, limit)
    }

    fn quarantined_message(&self, id: i64) -> Result<Option<QuarantineRow>> {
        inbox::get(self, id)
    }

    fn quarantine_count(&self) -> Result<u64> {
        inbox::count(self)
    }

    fn decisions(&self, query: &DecisionQuery<'_>) -> Result<Vec<DecisionRow>> {
        decisions::list(self, query)
    }

    fn ledger(
        &self,
        account: &AccountId,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        ledger::rows(self, account, after, limit)
    }

    fn ledger_head(&self, account: &AccountId) -> Result<Option<LedgerHead>> {
        ledger::head(self, account)
    }

    fn account_ids(&self, after: Option<&AccountId>, limit: usize) -> Result<Vec<AccountId>> {
        ledger::account_ids(self, after, limit)
    }

    fn ready_publications(
        &self,
        now: DateTime<Utc>,
        limit: usize,
        lanes_in_flight: &HashSet<String>,
    ) -> Result<Vec<PublicationRow>> {
        publications::ready(self, now, limit, lanes_in_flight)
    }

    fn waiting_publications(&self, lane: &str, limit: usize) -> Result<Vec<PublicationRow>> {
        publications::waiting(self, lane, limit)
    }

    fn next_publication(&self, lanes_in_flight: &HashSet<String>) -> Result<Option<DateTime<Utc>>> {
        publications::next(self, lanes_in_flight)
    }

    fn ready_deliveries(
        &self,
        now: DateTime<Utc>,
        channel: Channel,
        limit: usize,
        in_flight: &HashSet<String>,
    ) -> Result<Vec<ReadyDelivery>> {
        notices::ready(self, now, channel, limit, in_flight)
    }

    fn next_delivery(
        &self,
        channel: Channel,
        in_flight: &HashSet<String>,
    ) -> Result<Option<DateTime<Utc>>> {
        notices::next(self, channel, in_flight)
    }

    fn notice(&self, id: &str) -> Result<Option<Notice>> {
        notices::notice(self, id)
    }

    fn notice_of(&self, delivery: &str) -> Result<Option<String>> {
        notices::of(self, delivery)
    }

    fn last_notices(&self, account: &AccountId, limit: usize) -> Result<Vec<(String, Notice)>> {
        notices::last(self, account, limit)
    }

    fn is_erased(&self, notice: &str) -> Result<bool> {
        erase::is_erased(self, notice)
    }

    fn deliveries(&self, notice: &str) -> Result<Vec<DeliveryRow>> {
        notices::deliveries(self, notice)
    }

    fn receipts(&self, delivery: &str) -> Result<Vec<ReceiptRow>> {
        notices::receipts(self, delivery)
    }

    fn sent_message(&self, delivery: &str) -> Result<Option<SentMessage>> {
        notices::sent(self, delivery)
    }

    fn backlog(&self) -> Result<Backlog> {
        let (publications, oldest_publication) = publications::depth(self)?;
        let (deliveries, oldest_delivery) = notices::depth(self)?;
        Ok(Backlog { publications, oldest_publication, deliveries, oldest_delivery })
    }

    fn policies(&self) -> Result<Vec<PolicyRow>> {
        decisions::policies(self)
    }
}
