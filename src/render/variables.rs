//! The variables of a notice: what its templates can say. Typed, frozen in the notice, formatted for its zone.
//!
//! Wording belongs to the templates: nothing here is text in a language. What happens to a resource is told by the class of
//! its phases, never by their names.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::engine::effect::{Notice, NoticeItem};
use crate::engine::input::{Attachment, Contact};
use crate::engine::money::Money;
use crate::engine::policy::PhaseClass;
use crate::render::RenderError;
use crate::render::moment::{Amount, Moment, Runway};
use crate::render::plan::{Plan, class_name, plans};
use crate::render::shape::variables;
use crate::render::words::flat;

/// Longest name of a resource or a contact in an e-mail, in characters.
const NAME: usize = 64;
/// Longest id.
const ID: usize = 128;
/// Longest name in a subject line.
pub(super) const SUBJECT_NAME: usize = 26;
/// Most attachments that are listed for one resource.
const ATTACHMENTS: usize = 12;

variables! {
    /// All that a template of a notice can name.
    pub struct Variables: Plain {
        /// The notice, as its folder is called.
        kind: String,
        /// BCP 47 tag of the language that the text is in.
        language: String,
        /// Who sends it.
        brand: BrandVariables,
        /// The name of the contact that it goes to.
        contact: Option<String>,
        /// The account that it is about.
        account: AccountVariables,
        /// When it was decided.
        at: Moment,
        /// How many resources it is about.
        count: usize,
        /// Whether it is about exactly one.
        single: bool,
        /// How many of them are not listed in groups, because there are too many.
        unlisted: usize,
        /// A short name for what it is about, for a subject line: of the first resource, else of the account.
        label: String,
        /// Names of the first resources, as many as fit in a text message; absent if none does.
        names: Option<String>,
        /// How many resources are not in names.
        unnamed: usize,
        /// The link, where it fits in a text message.
        link: Option<String>,
        /// The resources, together where the same thing happens to them at the same time.
        groups: Vec<Group>,
        /// Whether that is the case for all of them.
        alike: bool,
        /// The earliest end of a term.
        expires_at: Option<Moment>,
        /// When the first resource stops or is released if nothing is done.
        act_by: Option<Moment>,
        /// When the first data is lost if nothing is done.
        loss_at: Option<Moment>,
        /// How many of the resources renew themselves.
        renewing: usize,
        /// Kinds of what is detached and does not come back by itself, each once, in the policy's words.
        detached: Vec<String>,
        /// Whether some of that has been detached already.
        detached_now: bool,
        /// The balance.
        balance: Option<Amount>,
        /// What is missing to a balance of zero, if it is below.
        owed: Option<Amount>,
        /// Consumption of one day at the present rate.
        daily_consumption: Option<Amount>,
        /// How long the balance lasts at that rate.
        runway: Option<Runway>,
        /// When arrears began.
        arrears_since: Option<Moment>,
        /// When the first resource is terminated as its owner wants it.
        ends_at: Option<Moment>,
    }

    /// Who sends the notice.
    pub struct BrandVariables: Plain {
        /// Its name.
        name: String,
        /// Where to renew and top up.
        console_url: String,
        /// Where to ask.
        support: Option<String>,
    }

    /// The account that a notice is about.
    pub struct AccountVariables: Plain {
        /// Its id.
        id: String,
        /// Its name.
        name: Option<String>,
        /// Its name if it has one, else its id, short.
        label: String,
    }

    /// Resources to which the same thing happens at the same time.
    pub struct Group: Plain {
        /// How many they are.
        count: usize,
        /// What their state means: working, unpaid, suspended, retained or gone.
        class: String,
        /// The end of their term.
        expires_at: Option<Moment>,
        /// Whether they renew themselves.
        auto_renew: Option<bool>,
        /// From when they work unpaid.
        unpaid_at: Option<Moment>,
        /// When they stop working.
        suspended_at: Option<Moment>,
        /// When they stop working and go to the bin.
        retained_at: Option<Moment>,
        /// When they are released.
        gone_at: Option<Moment>,
        /// Whether their data is lost with that.
        data_lost: bool,
        /// Those of them that are listed.
        items: Vec<Item>,
    }

    /// One resource.
    pub struct Item: Plain {
        /// Its id.
        id: String,
        /// What its owner calls it.
        name: Option<String>,
        /// Its name if it has one, else its id.
        label: String,
        /// Where it is.
        region: Option<String>,
        /// What is or will be detached from it and does not come back by itself.
        detached: Vec<Detached>,
        /// What the change that is told of destroys.
        destroyed: Vec<Detached>,
        /// What that keeps.
        retained: Vec<Detached>,
        /// What that keeps and may cost.
        retained_billable: Vec<Detached>,
        /// When it is terminated as its owner wants it.
        ends_at: Option<Moment>,
        /// What its renewal costs.
        price: Option<Amount>,
        /// The refused charge attempt.
        attempt: Option<i64>,
        /// How many attempts there are.
        attempts: Option<i64>,
        /// When the next attempt is asked for.
        next_attempt_at: Option<Moment>,
    }

    /// Something that is or was attached.
    pub struct Detached: Plain {
        /// What kind of thing, in the policy's words.
        kind: String,
        /// Which.
        id: Option<String>,
    }
}

/// Who sends notices, from the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// The name that readers know, as in the sender of the e-mails.
    pub name: String,
    /// Where to renew and top up: an `http` or `https` address.
    pub console_url: String,
    /// Where to ask: an address or a page.
    pub support: Option<String>,
}

/// How much a message may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Naming {
    /// Most resources listed in groups.
    pub listed: usize,
    /// Most resources in `names`.
    pub names: usize,
    /// Characters of each of them.
    pub name_length: usize,
    /// Characters of the name of the account; its id at zero.
    pub account_length: usize,
    /// Whether there is a `link`.
    pub link: bool,
}

/// The variables of `notice` for one reader.
pub(super) fn variables(
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
        detached: kinds(notice),
        detached_now: notice.items.iter().any(|item| !lasting(item).is_empty() && !works(item)),
        balance: notice.balance.map(Amount::from),
        owed: notice.balance.and_then(owed),
        daily_consumption: notice.daily_consumption.map(Amount::from),
        runway: notice.runway_hours.map(|hours| runway(hours, &moment, notice.at)),
        arrears_since: notice.arrears_since.map(moment),
        ends_at: notice.items.iter().filter_map(|item| item.ends_at).min().map(moment),
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
        destroyed: attachments(&item.destroyed),
        retained: attachments(&item.retained),
        retained_billable: attachments(&item.retained_billable),
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

fn kinds(notice: &Notice) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for attachment in notice.items.iter().flat_map(lasting) {
        let kind = flat(&attachment.kind, NAME);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// What can be configured again: nothing, once the resource is gone.
fn lasting(item: &NoticeItem) -> &[Attachment] {
    if item.class == PhaseClass::Gone { &[] } else { &item.detached }
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
