//! The variables of a notice: what its templates can say. Typed, frozen in the notice, formatted for its zone.
//!
//! Wording belongs to the templates: nothing here is text in a language. What happens to a resource is told by the class of
//! its phases, never by their names.

use crate::render::moment::{Amount, Moment, Runway};
use crate::render::shape::variables;

mod fill;

pub(super) use fill::variables;

/// Longest name in a subject line.
pub(super) const SUBJECT_NAME: usize = 26;

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
        /// What the renewal of all of them costs, if every price is known.
        total: Option<Amount>,
        /// How many of the resources have another charge attempt to come.
        retrying: usize,
        /// When the first of those attempts is asked for.
        next_attempt_at: Option<Moment>,
        /// Kinds of what is detached and does not come back by itself, each once, in the policy's words.
        detached: Vec<String>,
        /// Whether some of that has been detached already.
        detached_now: bool,
        /// What must be looked at once they work again, each once, in the policy's words.
        hints: Vec<String>,
        /// Whether something that belongs to them is kept.
        kept: bool,
        /// Whether some of that may cost.
        kept_billable: bool,
        /// Whether the change that is told of stops the billing of all of them.
        billing_stopped: bool,
        /// What is paid back for all of them together.
        refunded: Option<Amount>,
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
        /// Whether all of them are terminated at one instant.
        ends_together: bool,
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
        /// What must be looked at once it works again, in the policy's words.
        hints: Vec<String>,
        /// What the change that is told or warned of destroys.
        destroyed: Vec<Detached>,
        /// What that keeps.
        retained: Vec<Detached>,
        /// What that keeps and may cost.
        retained_billable: Vec<Detached>,
        /// What is paid back for it.
        refund: Option<RefundVariables>,
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

    /// What is paid back for a resource that was returned.
    pub struct RefundVariables: Plain {
        /// How much.
        amount: Amount,
        /// By which rule: unconditional or ordinary.
        method: String,
        /// What goes back to where it was paid from; none if it is paid as a voucher, or zero.
        tenders: Vec<TenderVariables>,
        /// Until when the voucher is valid that it is paid as.
        voucher_until: Option<Moment>,
    }

    /// What one tender gets back.
    pub struct TenderVariables: Plain {
        /// Which: cash, revenue or complimentary.
        tender: String,
        /// How much.
        amount: Amount,
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
