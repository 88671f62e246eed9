//! Notices to look at: for every lifecycle customers who never pay, who pay, and who leave, run through the engine.
//!
//! Nothing here is written by hand but the events: what a notice holds is what the engine puts into it, so that a preview
//! cannot promise what the product does not. Knows no template.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use crate::engine::effect::{Effect, Notice};
use crate::engine::id::{EventKey, NoticeKind, PolicyKey, ResourceId};
use crate::engine::input::{
    Activation, Attachment, AutoRenew, Body, Contact, Disk, Event, Order, OrderKind, Profile,
    RenewMode, Role, TerminationMode, Traits, Usage,
};
use crate::engine::money::{Currency, Money};
use crate::engine::policy::{Clock, Policy, PolicySet};
use crate::simulate::{Decided, Simulation};

/// What a customer has.
const RESOURCES: [&str; 2] = ["web", "db"];

/// One notice, as a policy made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The policy.
    pub policy: PolicyKey,
    /// The first notice of its kind in the history.
    pub notice: Notice,
}

/// When the histories begin.
const START: i64 = 1_772_416_800; // 2026-03-02T02:00:00Z
/// When the term ends, or the balance is used up, in hours after that.
const TROUBLE: i64 = 8 * 24;
/// How long the histories go on after that, in days: longer than any lifecycle keeps data.
const AFTERWARDS: i64 = 120;
/// When a payment comes, in hours after the trouble: everything that stops has stopped.
const LATE: i64 = 36;
/// How long a renewed term may last, in hours.
const MONTH: i64 = 31 * 24;

/// What a customer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plot {
    /// Nothing.
    Ignores(RenewMode),
    /// Pays in time, then too late.
    Pays,
    /// Sets a date for the end, takes it back, ends it at once; returns what can be returned.
    Leaves,
}

/// The histories of one policy.
const PLOTS: [Plot; 4] =
    [Plot::Ignores(RenewMode::Manual), Plot::Ignores(RenewMode::Auto), Plot::Pays, Plot::Leaves];

/// The first notice of each kind under each policy, in the newest version, in the order of the policies.
pub fn samples(policies: &PolicySet) -> Vec<Sample> {
    let mut samples: Vec<Sample> = Vec::new();
    for policy in newest(policies) {
        for plot in PLOTS {
            for notice in History::new(policies, policy, plot).run() {
                let known = samples
                    .iter()
                    .any(|known| known.policy == policy.key && known.notice.kind == notice.kind);
                if !known {
                    samples.push(Sample { policy: policy.key.clone(), notice });
                }
            }
        }
    }
    samples
}

/// Notices that a policy declares and that its histories do not bring about: nothing shows what they look like.
pub fn unseen(policies: &PolicySet, samples: &[Sample]) -> BTreeSet<(PolicyKey, NoticeKind)> {
    newest(policies)
        .flat_map(|policy| {
            policy.notices.iter().map(|rule| (policy.key.clone(), rule.kind.clone()))
        })
        .filter(|(key, kind)| {
            !samples.iter().any(|sample| sample.policy == *key && sample.notice.kind == *kind)
        })
        .collect()
}

fn newest(policies: &PolicySet) -> impl Iterator<Item = &Policy> {
    policies.iter().filter(|policy| {
        policies.newest(&policy.key.id).is_some_and(|newest| newest.key == policy.key)
    })
}

/// One customer under one policy.
struct History<'p> {
    simulation: Simulation<'p>,
    policy: &'p Policy,
    plot: Plot,
    /// Numbers the events.
    told: u64,
    notices: Vec<Notice>,
}

impl<'p> History<'p> {
    fn new(policies: &'p PolicySet, policy: &'p Policy, plot: Plot) -> Self {
        let simulation = Simulation::new(policies);
        Self { simulation, policy, plot, told: 0, notices: Vec::new() }
    }

    /// Everything that the customer is told.
    fn run(mut self) -> Vec<Notice> {
        self.tell(0, Body::AccountUpdated(profile()));
        self.tell(
            0,
            balance(match self.policy.clock {
                Clock::Expiry => 0,
                Clock::Arrears => 240,
            }),
        );
        for resource in RESOURCES {
            let activation = self.activation(resource);
            self.tell(1, Body::ResourceActivated(Box::new(activation)));
        }
        // Hour by hour, so that a charge is refused before the next one is due.
        for hour in 2..=TROUBLE + AFTERWARDS * 24 {
            if self.policy.clock == Clock::Arrears {
                self.use_up(hour);
            }
            match self.plot {
                Plot::Ignores(_) => {}
                Plot::Pays => self.pay(hour),
                Plot::Leaves => self.leave(hour),
            }
            let decided = self.simulation.run_until(instant(hour));
            self.hear(decided);
        }
        self.notices
    }

    /// Thirty a day, with the balance after it, until there is none; then twelve too much.
    fn use_up(&mut self, hour: i64) {
        let used = money(30);
        if hour % 24 == 0 && hour <= TROUBLE {
            let (period_start, period_end) = (instant(hour - 24), instant(hour));
            let usage =
                Usage { amount: used, period_start, period_end, resource: None, traffic: false };
            self.tell(hour, Body::UsageCharged(usage));
            self.tell(hour, balance(240 - hour / 24 * 30));
        } else if hour == TROUBLE + 1 {
            self.tell(hour, balance(-12));
        }
    }

    /// A day before the end, and long after the next one.
    fn pay(&mut self, hour: i64) {
        match self.policy.clock {
            Clock::Expiry if hour == TROUBLE - 24 || hour == TROUBLE + MONTH + LATE => {
                let shortest = self.policy.renewal.as_ref().and_then(|one| one.months.first());
                let Some((months, _)) = shortest.copied() else { return };
                for resource in RESOURCES.map(id) {
                    let downgrade = Vec::new();
                    self.tell(hour, Body::RenewalRequested { resource, months, downgrade });
                }
            }
            Clock::Arrears if hour == TROUBLE + LATE => self.tell(hour, balance(100)),
            Clock::Expiry | Clock::Arrears => {}
        }
    }

    fn leave(&mut self, hour: i64) {
        let can_end = self.policy.termination.is_some();
        match hour {
            3 if can_end => {
                for resource in RESOURCES.map(id) {
                    let at = instant(hour + 72);
                    self.tell(hour, Body::TerminationScheduled { resource, at });
                }
            }
            4 if can_end => {
                for resource in RESOURCES.map(id) {
                    self.tell(hour, Body::TerminationCancelled { resource });
                }
            }
            5 if can_end => {
                let (resources, mode) = (RESOURCES.map(id).to_vec(), TerminationMode::Recycle);
                self.tell(hour, Body::TerminationRequested { resources, mode });
            }
            // One unconditional, one ordinary, where the policy has both.
            75 if self.policy.returns.is_some() => {
                for resource in RESOURCES.map(id) {
                    self.tell(hour, Body::ReturnRequested { resource });
                }
            }
            _ => {}
        }
    }

    fn activation(&self, resource: &str) -> Activation {
        let expires = self.policy.clock == Clock::Expiry;
        Activation {
            resource: id(resource),
            policy: self.policy.key.id.clone(),
            currency: None,
            traits: Traits {
                name: Some(format!("{resource}-production")),
                region: Some("ap-guangzhou".to_owned()),
                price: Some(Decimal::from(128)),
                hourly_price: Some(Decimal::new(4, 1)),
                attachments: Some(self.attachments(resource)),
                disks: Some(vec![
                    Disk { id: format!("disk-{resource}"), elastic: false },
                    Disk { id: format!("data-{resource}"), elastic: true },
                ]),
                ..Traits::default()
            },
            purchased_at: None,
            expires_at: expires.then(|| instant(TROUBLE)),
            term_months: None,
            auto_renew: expires.then_some(AutoRenew { mode: self.mode(), months: Some(1) }),
            orders: if expires { vec![order(resource)] } else { Vec::new() },
        }
    }

    fn mode(&self) -> RenewMode {
        match self.plot {
            Plot::Ignores(mode) => mode,
            Plot::Pays | Plot::Leaves => RenewMode::Manual,
        }
    }

    /// One of each kind that the policy names, for the first resource; one for the others. Disks are told apart.
    fn attachments(&self, resource: &str) -> Vec<Attachment> {
        let bins = [
            self.policy.termination.as_ref().map(|one| &one.to_bin),
            self.policy.termination.as_ref().map(|one| &one.to_gone),
            self.policy.returns.as_ref().map(|one| &one.to_bin),
        ];
        let steps = self.policy.steps.iter().map(|step| &step.outcome);
        let kinds: BTreeSet<&String> = steps
            .chain(bins.into_iter().flatten())
            .flat_map(|one| [&one.detach, &one.destroy, &one.retain, &one.retain_billable])
            .flatten()
            .filter(|kind| !["disk", "elastic_disk"].contains(&kind.as_str()))
            .collect();
        let of_each = kinds.into_iter().take(if resource == RESOURCES[0] { usize::MAX } else { 1 });
        let attachment = |kind: &String| Attachment {
            kind: kind.clone(),
            id: Some(format!("{}-{resource}", initials(kind))),
        };
        of_each.map(attachment).collect()
    }

    fn tell(&mut self, hour: i64, body: Body) {
        self.told += 1;
        let key = EventKey { source: "/sample".to_owned(), id: self.told.to_string() };
        let event = Event { key, time: instant(hour), account: "acc-1001".into(), body };
        let decided = self.simulation.read(event);
        self.hear(decided);
    }

    /// Notes what was told, and refuses every charge an hour after it was asked for.
    fn hear(&mut self, decided: Vec<Decided>) {
        for decided in decided {
            for effect in decided.decision.effects {
                match effect {
                    Effect::Notice(notice) => self.notices.push(notice),
                    Effect::ChargeRequested(request) => self.refuse(decided.at, &request),
                    _ => {}
                }
            }
        }
    }

    fn refuse(&mut self, at: DateTime<Utc>, request: &crate::engine::effect::ChargeRequest) {
        let body = Body::ChargeFailed {
            resource: request.resource.clone(),
            charge: request.charge.clone(),
            reason: None,
        };
        let hours = (at - instant(0)).num_hours() + 1;
        self.tell(hours, body);
    }
}

fn id(resource: &str) -> ResourceId {
    format!("ins-{resource}-4f0a").as_str().into()
}

/// What a month was bought with.
fn order(resource: &str) -> Order {
    Order {
        id: format!("order-{resource}"),
        kind: OrderKind::New,
        cash: Decimal::from(100),
        revenue: Decimal::ZERO,
        complimentary: Decimal::from(28),
        vouchers: Decimal::ZERO,
        starts_at: instant(1),
        term_days: 30,
    }
}

/// `lb` of `load_balancer`.
fn initials(kind: &str) -> String {
    kind.split('_').filter_map(|word| word.chars().next()).collect()
}

fn instant(hour: i64) -> DateTime<Utc> {
    let start = DateTime::from_timestamp(START, 0).unwrap_or_default();
    start + TimeDelta::hours(hour)
}

fn currency() -> Currency {
    "CNY".parse().expect("the yuan is in use")
}

fn money(amount: i64) -> Money {
    Money { amount: Decimal::from(amount), currency: currency() }
}

fn balance(amount: i64) -> Body {
    Body::BalanceReported { balance: money(amount), sequence: None }
}

fn profile() -> Profile {
    Profile {
        currency: currency(),
        contacts: vec![reader()],
        locale: None,
        name: Some("Lanting Studio".to_owned()),
    }
}

/// Whom the samples are written to. The address is of a domain that nobody has.
pub fn reader() -> Contact {
    Contact {
        name: "Li Wei".to_owned(),
        role: Role::Creator,
        email: Some("li.wei@example.com".to_owned()),
        phone: Some("+8613800138000".to_owned()),
        locale: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policies;
    use crate::render::fixture::brand;
    use crate::render::{Limits, Renderer, Templates, check};

    #[test]
    fn every_notice_of_every_shipped_policy_comes_out_of_the_engine_and_renders() {
        let policies = Policies::shipped().set;
        let samples = samples(&policies);
        assert_eq!(unseen(&policies, &samples), BTreeSet::new());
        let renderer =
            Renderer::new(Templates::shipped(), "en", brand(), Limits::default()).expect("shipped");
        let notices: Vec<Notice> = samples.into_iter().map(|sample| sample.notice).collect();
        assert_eq!(check(&renderer, &notices, &["en", "zh-CN"]), []);
    }
}
