//! Fills the variables of one notice for one reader.
//!
//! Cuts what customers wrote to a length, and formats instants for the notice's zone; writes no words.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::{
    AccountVariables, Brand, BrandVariables, Detached, Group, Item, Naming, RefundVariables,
    SUBJECT_NAME, TenderVariables, Variables,
};
use crate::engine::effect::{Notice, NoticeItem, PaidBack};
use crate::engine::input::{Attachment, Contact};
use crate::engine::money::Money;
use crate::engine::policy::PhaseClass;
use crate::engine::refund::{Payout, RefundMethod};
use crate::render::RenderError;
use crate::render::moment::{Amount, Moment, Runway};
use crate::render::plan::{Plan, class_name, plans};
use crate::render::words::flat;

/// Longest name of a resource or a contact in an e-mail, in characters.
const NAME: usize = 64;
/// Longest id.
const ID: usize = 128;
/// Most attachments that are listed for one resource.
const ATTACHMENTS: usize = 12;

/// The variables of `notice` for one reader.
pub(in crate::render) fn variables(
    notice: &Notice,
    contact: &Contact,
    brand: &Brand,
    language: &str,
    naming: Naming,
) -> Result<Variables, RenderError> {
    let zone: Tz = notice.zone.parse().map_err(|_| RenderError::Zone {
        notice: notice.kind.clone(),
        zone: notice.zone.clone(),
    })?;
    let moment = |instant: DateTime<Utc>| Moment::new(instant, zone, notice.at);
    let plans = plans(notice);
    let account = account(notice, naming.account_length);
    let (names, unnamed) = names(notice, naming);
    let count = notice.items.len();
    Ok(Variables {
        kind: notice.kind.as_str().to_owned(),
        language: language.to_owned(),
        brand: BrandVariables {
            name: flat(&brand.name, NAME),
            console_url: brand.console_url.clone(),
            support: brand.support.as_ref().map(|support| flat(support, ID)),
        },
        contact: Some(flat(&contact.name, NAME)).filter(|name| !name.is_empty()),
        at: moment(notice.at),
        count,
        single: count == 1,
        unlisted: count.saturating_sub(naming.listed),
        label: notice
            .items
            .first()
            .map_or_else(|| account.label.clone(), |item| label(item, SUBJECT_NAME)),
        account,
        names,
        unnamed,
        link: naming.link.then(|| brand.console_url.clone()),
        alike: plans.len() < 2,
        expires_at: notice.items.iter().filter_map(|item| item.expires_at).min().map(moment),
        act_by: plans.iter().filter_map(|(plan, _)| plan.acts_at()).min().map(moment),
        loss_at: plans.iter().filter_map(|(plan, _)| plan.loses_at()).min().map(moment),
        groups: groups(&plans, naming.listed, &moment),
        renewing: notice.items.iter().filter(|item| item.auto_renew == Some(true)).count(),
        total: total(notice.items.iter().map(|item| item.price)),
        retrying: notice.items.iter().filter(|item| item.next_attempt_at.is_some()).count(),
        next_attempt_at: notice
            .items
            .iter()
            .filter_map(|item| item.next_attempt_at)
            .min()
            .map(moment),
        detached: once(notice.items.iter().flat_map(lasting).map(|one| &one.kind)),
        detached_now: notice.items.iter().any(|item| !lasting(item).is_empty() && !works(item)),
        hints: once(notice.items.iter().flat_map(|item| &item.hints)),
        kept: notice.items.iter().any(keeps),
        kept_billable: notice.items.iter().any(|item| !item.retained_billable.is_empty()),
        billing_stopped: !notice.items.is_empty()
            && notice.items.iter().all(|item| item.stops_billing),
        refunded: total(
            notice.items.iter().map(|item| item.refund.as_ref().map(|refund| refund.amount)),
        ),
        balance: notice.balance.map(Amount::from),
        owed: notice.balance.and_then(owed),
        daily_consumption: notice.daily_consumption.map(Amount::from),
        runway: notice.runway_hours.map(|hours| runway(hours, &moment, notice.at)),
        arrears_since: notice.arrears_since.map(moment),
        ends_at: notice.items.iter().filter_map(|item| item.ends_at).min().map(moment),
        ends_together: notice.items.windows(2).all(|two| two[0].ends_at == two[1].ends_at),
    })
}

fn groups(
    plans: &[(Plan, Vec<&NoticeItem>)],
    listed: usize,
    moment: &impl Fn(DateTime<Utc>) -> Moment,
) -> Vec<Group> {
    let mut room = listed;
    let mut groups = Vec::new();
    for (plan, items) in plans.iter().filter(|_| listed > 0) {
        let here = items.len().min(room);
        if here == 0 {
            break;
        }
        room -= here;
        groups.push(Group {
            count: items.len(),
            class: class_name(plan.class).to_owned(),
            expires_at: plan.expires_at.map(moment),
            auto_renew: plan.auto_renew,
            unpaid_at: plan.unpaid_at.map(moment),
            suspended_at: plan.suspended_at.map(moment),
            retained_at: plan.retained_at.map(moment),
            gone_at: plan.gone_at.map(moment),
            data_lost: plan.data_lost,
            items: items[..here].iter().map(|item| self::item(item, moment)).collect(),
        });
    }
    groups
}

fn item(item: &NoticeItem, moment: &impl Fn(DateTime<Utc>) -> Moment) -> Item {
    Item {
        id: flat(item.resource.as_str(), ID),
        name: name(item, NAME),
        label: label(item, NAME),
        region: item.region.as_ref().map(|region| flat(region, NAME)),
        detached: attachments(lasting(item)),
        hints: once(item.hints.iter()),
        destroyed: attachments(&item.destroyed),
        retained: attachments(&item.retained),
        retained_billable: attachments(&item.retained_billable),
        refund: item.refund.as_ref().map(|refund| self::refund(refund, moment)),
        ends_at: item.ends_at.map(moment),
        price: item.price.map(Amount::from),
        attempt: item.attempt.map(i64::from),
        attempts: item.attempts.map(i64::from),
        next_attempt_at: item.next_attempt_at.map(moment),
    }
}

fn attachments(all: &[Attachment]) -> Vec<Detached> {
    let listed = all.iter().take(ATTACHMENTS).map(|attachment| Detached {
        kind: flat(&attachment.kind, NAME),
        id: attachment.id.as_ref().map(|id| flat(id, NAME)),
    });
    listed.collect()
}

fn name(item: &NoticeItem, max: usize) -> Option<String> {
    item.name.as_ref().map(|name| flat(name, max)).filter(|name| !name.is_empty())
}

fn label(item: &NoticeItem, max: usize) -> String {
    name(item, max).unwrap_or_else(|| flat(item.resource.as_str(), max))
}

fn names(notice: &Notice, naming: Naming) -> (Option<String>, usize) {
    let named = notice.items.iter().take(naming.names);
    let names: Vec<String> = named.map(|item| label(item, naming.name_length)).collect();
    let unnamed = notice.items.len() - names.len();
    (Some(names.join(", ")).filter(|names| !names.is_empty()), unnamed)
}

fn account(notice: &Notice, length: usize) -> AccountVariables {
    let named = |max| notice.account_name.as_ref().filter(|_| max > 0).map(|name| flat(name, max));
    AccountVariables {
        id: flat(notice.account.as_str(), ID),
        name: named(NAME).filter(|name| !name.is_empty()),
        label: named(length)
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| flat(notice.account.as_str(), SUBJECT_NAME)),
    }
}

/// Words of the policy, each once, in their order.
fn once<'a>(words: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in words.map(|word| flat(word, NAME)) {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all
}

/// The sum, if there is something to add up, all of it is known, and it is of one currency.
fn total(amounts: impl Iterator<Item = Option<Money>>) -> Option<Amount> {
    let add = |sum: Money, next: Option<Money>| {
        let next = next.filter(|next| next.currency == sum.currency)?;
        Some(Money { amount: sum.amount.checked_add(next.amount)?, ..sum })
    };
    let mut amounts = amounts;
    let first = amounts.next()??;
    amounts.try_fold(first, add).map(Amount::from)
}

fn refund(paid: &PaidBack, moment: &impl Fn(DateTime<Utc>) -> Moment) -> RefundVariables {
    let tenders = match &paid.payout {
        Payout::Tenders(tenders) => vec![
            ("cash", tenders.cash),
            ("revenue", tenders.revenue),
            ("complimentary", tenders.complimentary),
        ],
        Payout::Voucher { .. } => Vec::new(),
    };
    let tenders = tenders.into_iter().filter(|(_, amount)| *amount > Decimal::ZERO);
    RefundVariables {
        amount: paid.amount.into(),
        method: match paid.method {
            RefundMethod::Unconditional => "unconditional".to_owned(),
            RefundMethod::Ordinary => "ordinary".to_owned(),
        },
        tenders: tenders
            .map(|(tender, amount)| TenderVariables {
                tender: tender.to_owned(),
                amount: Money { amount, ..paid.amount }.into(),
            })
            .collect(),
        voucher_until: match &paid.payout {
            Payout::Voucher { valid_until } if paid.amount.amount > Decimal::ZERO => {
                Some(moment(*valid_until))
            }
            Payout::Voucher { .. } | Payout::Tenders(_) => None,
        },
    }
}

/// What can be configured again: nothing, once the resource is gone.
fn lasting(item: &NoticeItem) -> &[Attachment] {
    if item.class == PhaseClass::Gone { &[] } else { &item.detached }
}

fn keeps(item: &NoticeItem) -> bool {
    !item.retained.is_empty() || !item.retained_billable.is_empty()
}

fn works(item: &NoticeItem) -> bool {
    matches!(item.class, PhaseClass::Working | PhaseClass::Unpaid)
}

fn owed(balance: Money) -> Option<Amount> {
    balance.amount.is_sign_negative().then(|| Money { amount: -balance.amount, ..balance }.into())
}

fn runway(hours: u32, moment: &impl Fn(DateTime<Utc>) -> Moment, at: DateTime<Utc>) -> Runway {
    let hours = i64::from(hours);
    let ends_at = chrono::TimeDelta::try_hours(hours)
        .and_then(|lasting| at.checked_add_signed(lasting))
        .unwrap_or(DateTime::<Utc>::MAX_UTC);
    Runway { days: hours / 24, hours, ends_at: moment(ends_at) }
}
