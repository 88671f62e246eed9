//! The words in which a customer's month is written down.

use super::Local;
use super::item::Item;

/// One account: who it is, what it has, and what happens to it.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) account: &'static str,
    pub(super) company: &'static str,
    /// Domain of its addresses, before `.example`.
    pub(super) domain: &'static str,
    pub(super) locale: &'static str,
    pub(super) currency: &'static str,
    pub(super) region: &'static str,
    pub(super) people: Vec<Person>,
    /// When the pipeline first tells of it.
    pub(super) opens: Local,
    pub(super) opening: Opening,
    /// Usage is deducted every so many hours, a few minutes after this hour of the day.
    pub(super) billed: (u32, u32),
    pub(super) owns: Vec<Item>,
    pub(super) acts: Vec<(Local, Act)>,
}

/// Name, mailbox, and language where it is not the account's.
pub(super) type Person = (&'static str, &'static str, Option<&'static str>);

/// What an account has at first.
#[derive(Debug, Clone, Copy)]
pub(super) enum Opening {
    Balance(&'static str),
    /// So much that the first deduction at or after this takes it below zero, if nobody pays in.
    LastsUntil(Local),
}

/// One thing that happens. Resources go by their names.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Usage is deducted.
    Bill,
    /// Somebody pays in.
    TopUp(&'static str),
    /// The same, but the pipeline tells it so many minutes later.
    TopUpToldLate(&'static str, i64),
    /// Somebody pays exactly what is owed.
    SettlesDebt,
    /// The next term was paid in the console; the pipeline tells the new expiries.
    Renewed(&'static [&'static str], u32),
    /// A customer asks dunlin's pipeline for a renewal.
    AsksRenewal(&'static str, u32),
    /// A charge that dunlin asked for was collected.
    Paid(&'static str),
    /// It was not.
    Refused(&'static str),
    Buys(Item),
    SetsAutoRenew(&'static str, u32),
    Terminates(&'static [&'static str], &'static str),
    Schedules(&'static str, Local),
    CancelsSchedule(&'static str),
    Restores(&'static str),
    Releases(&'static str),
    Hold(Hold),
    Lift(Hold),
    /// Gone outside of dunlin.
    Removed(&'static str),
    /// One more is told from now on.
    Joins(Person),
}

/// A hold, of the account without a resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    pub(super) id: &'static str,
    pub(super) resource: Option<&'static str>,
    pub(super) reason: &'static str,
    /// Whether it stops more than releases.
    pub(super) all: bool,
}

impl Story {
    pub(super) fn new(
        account: &'static str,
        (company, domain): (&'static str, &'static str),
        locale: &'static str,
        people: &[Person],
    ) -> Self {
        Self {
            account,
            company,
            domain,
            locale,
            currency: "CNY",
            region: if locale == "en" { "ap-shanghai" } else { "ap-guangzhou" },
            people: people.to_vec(),
            opens: (1, "00:00"),
            opening: Opening::Balance("0.00"),
            billed: (24, 9),
            owns: Vec::new(),
            acts: Vec::new(),
        }
    }

    pub(super) fn in_usd(mut self) -> Self {
        self.currency = "USD";
        self
    }

    pub(super) fn opens(mut self, at: Local) -> Self {
        self.opens = at;
        self
    }

    pub(super) fn balance(mut self, amount: &'static str) -> Self {
        self.opening = Opening::Balance(amount);
        self
    }

    pub(super) fn lasts_until(mut self, at: Local) -> Self {
        self.opening = Opening::LastsUntil(at);
        self
    }

    pub(super) fn billed(mut self, every: u32, hour: u32) -> Self {
        self.billed = (every, hour);
        self
    }

    pub(super) fn owns(mut self, item: Item) -> Self {
        self.owns.push(item);
        self
    }

    pub(super) fn on(mut self, day: i64, time: &'static str, act: Act) -> Self {
        self.acts.push(((day, time), act));
        self
    }
}
