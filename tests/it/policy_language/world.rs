//! One account under a policy that a test wrote, on the simulated clock. Tells what was decided, in lines.

use chrono::{DateTime, Utc};
use dunlin::engine::decision::Portfolio;
use dunlin::engine::effect::{Effect, Notice};
use dunlin::engine::id::{EventKey, ResourceId};
use dunlin::engine::input::{
    Activation, Attachment, AutoRenew, Body, Contact, Disk, Event, Profile, RenewMode, Role, Traits,
};
use dunlin::engine::money::Money;
use dunlin::engine::policy::{Policy, PolicySet};
use dunlin::policy::{Policies, parse};
use dunlin::simulate::{Decided, Simulation};

/// A policy that reads, or every mistake in it.
pub(super) fn policy(text: &str) -> Policy {
    match parse("test.toml", text) {
        Ok((policy, _)) => policy,
        Err(errors) => panic!("{errors}\n{text}"),
    }
}

/// The mistakes of a text that must not read.
pub(super) fn refusal(text: &str) -> String {
    match parse("test.toml", text) {
        Ok(_) => panic!("taken:\n{text}"),
        Err(errors) => errors.to_string(),
    }
}

pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|_| panic!("{text} is no instant"))
}

pub(super) fn cny(amount: i64) -> Money {
    Money { amount: amount.into(), currency: "CNY".parse().expect("a currency") }
}

/// What a test tells the engine, in order: when, and what.
pub(super) type Told<'t> = (&'t str, Body);

/// What was decided about one account.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// `2026-03-10T00:00:00Z active -> stopped`, `2026-03-09T00:00:00Z warning`: steps, new terms and notices, in order.
    pub(super) lines: Vec<String>,
    /// The notices.
    pub(super) notices: Vec<Notice>,
}

impl Story {
    /// The notices of one kind.
    pub(super) fn of(&self, kind: &str) -> Vec<&Notice> {
        self.notices.iter().filter(|notice| notice.kind.as_str() == kind).collect()
    }

    /// The lines that hold `word`, as instants.
    pub(super) fn when(&self, word: &str) -> Vec<&str> {
        let found = self.lines.iter().filter(|line| line.contains(word));
        found.filter_map(|line| line.split(' ').next()).collect()
    }

    pub(super) fn hear(&mut self, decided: Vec<Decided>) {
        for one in decided {
            let at = one.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            for effect in one.decision.effects {
                match effect {
                    Effect::Transition(step) => {
                        self.lines.push(format!("{at} {} -> {}", step.from, step.to));
                    }
                    Effect::Renewal(_) => self.lines.push(format!("{at} renewal")),
                    Effect::Refund(refund) => {
                        self.lines.push(format!("{at} refund {}", refund.amount.amount));
                    }
                    Effect::Held(held) => {
                        self.lines.push(format!("{at} held {}: {}", held.to, held.because));
                    }
                    Effect::Notice(notice) => {
                        self.lines.push(format!("{at} {}", notice.kind));
                        self.notices.push(notice);
                    }
                    Effect::Rejected(no) => {
                        self.lines.push(format!("{at} rejected {:?}", no.code));
                    }
                    Effect::ChargeRequested(_)
                    | Effect::ChargeCancelled { .. }
                    | Effect::Unreachable { .. } => {}
                }
            }
        }
    }
}

/// Runs `told` under a policy of the test's own, for an account that is known at the first instant, up to `until`.
pub(super) fn story(policy_text: &str, told: &[Told<'_>], until: &str) -> Story {
    let mut set = PolicySet::default();
    set.insert(policy(policy_text));
    run(&set, told, until)
}

/// The same under the policies that ship.
pub(super) fn shipped_story(told: &[Told<'_>], until: &str) -> Story {
    run(&Policies::shipped().set, told, until)
}

/// The account as it is after all that.
pub(super) fn account_after(policies: &PolicySet, told: &[Told<'_>], until: &str) -> Portfolio {
    let mut simulation = Simulation::new(policies);
    play(&mut simulation, told, until);
    simulation.account(&"acc".into()).expect("it is known").clone()
}

/// Runs `told` under several policies.
pub(super) fn run(policies: &PolicySet, told: &[Told<'_>], until: &str) -> Story {
    play(&mut Simulation::new(policies), told, until)
}

fn play(simulation: &mut Simulation<'_>, told: &[Told<'_>], until: &str) -> Story {
    let mut story = Story::default();
    let first = told.first().map(|(time, _)| *time).expect("something happens");
    let account = (first, Body::AccountUpdated(profile()));
    for (number, (time, body)) in std::iter::once(&account).chain(told).enumerate() {
        let key = EventKey { source: "/test".into(), id: number.to_string() };
        let event = Event { key, time: at(time), account: "acc".into(), body: body.clone() };
        story.hear(simulation.read(event));
    }
    story.hear(simulation.run_until(at(until)));
    story
}

pub(super) fn profile() -> Profile {
    Profile {
        currency: cny(0).currency,
        contacts: vec![Contact {
            name: "Ann".into(),
            role: Role::Creator,
            email: Some("ann@example.com".into()),
            phone: Some("+8613800000001".into()),
            locale: None,
        }],
        locale: None,
        name: None,
    }
}

pub(super) fn resource() -> ResourceId {
    "ins-1".into()
}

/// The resource comes to life under `policy`; with a term where it has an expiry.
pub(super) fn activated(policy: &str, expires_at: Option<&str>) -> Body {
    renewing(policy, expires_at, RenewMode::Manual)
}

pub(super) fn renewing(policy: &str, expires_at: Option<&str>, mode: RenewMode) -> Body {
    let elastic_ip = Attachment { kind: "elastic_ip".into(), id: Some("eip-1".into()) };
    let balancer = Attachment { kind: "load_balancer".into(), id: Some("lb-1".into()) };
    let disk = |id: &str, elastic| Disk { id: id.into(), elastic };
    Body::ResourceActivated(Box::new(Activation {
        resource: resource(),
        policy: policy.into(),
        currency: None,
        traits: Traits {
            attachments: Some(vec![elastic_ip, balancer]),
            disks: Some(vec![disk("d-1", false), disk("d-2", true)]),
            ..Traits::default()
        },
        purchased_at: None,
        expires_at: expires_at.map(at),
        term_months: None,
        auto_renew: expires_at.map(|_| AutoRenew { mode, months: None }),
        orders: Vec::new(),
    }))
}

/// Another resource, without a term.
pub(super) fn named(id: &str, policy: &str) -> Body {
    let Body::ResourceActivated(mut activation) = activated(policy, None) else {
        panic!("it is an activation");
    };
    activation.resource = id.into();
    Body::ResourceActivated(activation)
}

pub(super) fn balance(amount: i64) -> Body {
    Body::BalanceReported { balance: cny(amount), sequence: None }
}

pub(super) fn renewed(months: u32) -> Body {
    Body::RenewalRequested { resource: resource(), months, downgrade: Vec::new() }
}

pub(super) fn expires(at_instant: &str) -> Body {
    Body::ExpiryChanged { resource: resource(), expires_at: at(at_instant), sequence: None }
}
