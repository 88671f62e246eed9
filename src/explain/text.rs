//! An explanation for a person: local times of the policy, short lines, nothing that needs the manual.

use chrono::{DateTime, Timelike as _, Utc};
use chrono_tz::Tz;

use super::{Caused, Decided, Delivery, Explanation, InForce, Told};
use crate::engine::input::Role;
use crate::policy::words;

/// What stands before the lines below one that begins with an instant.
const INDENT: &str = "                       ";

/// The explanation as lines.
pub fn text(explanation: &Explanation) -> String {
    let mut page = Page { zone: explanation.zone, text: String::new() };
    page.head(explanation);
    page.holds(explanation);
    page.by_hand(explanation);
    page.decisions(explanation);
    page.told(explanation);
    page.unconfirmed(explanation);
    page.next(explanation);
    page.listed("What would change it", &explanation.would_change);
    page.listed("What cannot be reconstructed", &explanation.not_known);
    page.text
}

/// What holds it and what comes next, as lines: what an order of an operator changed.
pub fn ahead_text(explanation: &Explanation) -> String {
    let mut page = Page { zone: explanation.zone, text: String::new() };
    page.holds(explanation);
    page.next(explanation);
    page.text
}

struct Page {
    zone: Tz,
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text += line.trim_end();
        self.text.push('\n');
    }

    fn title(&mut self, title: &str) {
        self.line("");
        self.line(title);
    }

    fn local(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.zone);
        let format = if local.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
        local.format(format).to_string()
    }

    /// A line that begins with an instant.
    fn at(&mut self, at: DateTime<Utc>, what: &str) {
        let line = format!("  {:<19}  {what}", self.local(at));
        self.line(&line);
    }

    fn below(&mut self, what: &str) {
        self.line(&format!("{INDENT}{what}"));
    }

    fn head(&mut self, one: &Explanation) {
        let which = format!(
            "{} of {}",
            words::plain(one.resource.as_str()),
            words::plain(one.account.as_str())
        );
        match &one.place {
            Some(place) => {
                let by = place.by.map(|by| format!(": {}", words::cause(by))).unwrap_or_default();
                let since = self.local(place.since);
                self.line(&format!("{which} has been {} since {since}{by}", place.phase));
                self.line(&format!(
                    "  {}: {}",
                    words::class(place.class),
                    words::meaning(place.class)
                ));
            }
            None => self.line(&format!("{which}: where it was cannot be reconstructed")),
        }
        let policy = format!("  policy {} version {}", one.policy.id, one.policy.version);
        let activated = self.local(one.activated_at);
        self.line(&format!("{policy}; activated {activated}"));
        let at = one.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        self.line(&format!("  as of {at}; local times are those of {}", self.zone.name()));
        let Some(facts) = &one.facts else { return };
        let said = [
            facts.expires_at.map(|at| format!("its term ends {}", self.local(at))),
            facts.auto_renew.map(|on| format!("auto-renewal is {}", if on { "on" } else { "off" })),
            facts.arrears_since.map(|at| format!("in arrears since {}", self.local(at))),
            facts.terminates_at.map(|at| format!("to be terminated {}", self.local(at))),
        ];
        let said: Vec<String> = said.into_iter().flatten().collect();
        if !said.is_empty() {
            self.line(&format!("  {}", said.join("; ")));
        }
    }

    fn holds(&mut self, one: &Explanation) {
        if one.held.is_none() && one.holds.is_empty() {
            return;
        }
        self.title("What holds it");
        if let Some(held) = &one.held {
            self.at(
                held.since,
                &format!("{} is due and held since then: {}", held.to, held.because),
            );
        }
        for hold in &one.holds {
            self.hold(hold);
        }
    }

    fn hold(&mut self, hold: &InForce) {
        let on = match &hold.moratorium_on {
            Some(target) => format!("on {}", words::plain(target)),
            None if hold.on_account => "on the whole account".to_owned(),
            None => "on it".to_owned(),
        };
        let what = if hold.moratorium_on.is_some() { "moratorium" } else { "hold" };
        let stops = if hold.releases_only { "releases" } else { "stops, the bin and releases" };
        let until = match hold.until {
            Some(until) => format!("until {}", self.local(until)),
            None => "without an end".to_owned(),
        };
        let reason = words::plain(&hold.reason);
        self.at(
            hold.since,
            &format!("{what} {} {on}, {until}: {reason}", words::plain(&hold.hold)),
        );
        self.below(&format!("stops {stops}; by {}", event(&hold.event)));
    }

    fn by_hand(&mut self, one: &Explanation) {
        if one.by_hand.is_empty() {
            return;
        }
        self.title("What operators decided");
        for decided in &one.by_hand {
            self.at(decided.at, &decided.what);
            let (by, reason) = (words::plain(&decided.by), words::plain(&decided.reason));
            self.below(&format!("by {by}: {reason}"));
        }
    }

    fn decisions(&mut self, one: &Explanation) {
        self.title("How it came there");
        if one.decisions.is_empty() {
            self.line("  nothing was decided about it");
        }
        for decided in &one.decisions {
            self.decided(decided);
        }
    }

    fn decided(&mut self, decided: &Decided) {
        let mut lines = Vec::new();
        for did in &decided.did {
            lines.push(with_rules(&did.what, &did.rules));
            lines.extend(did.details.iter().map(|detail| format!("  {detail}")));
        }
        let unsaid = decided.because.iter().filter(|because| !because.is_said);
        lines.extend(unsaid.map(|one| with_rules(&one.because, std::slice::from_ref(&one.rule))));
        lines.push(match decided.caused_by.as_slice() {
            [] => "by the clock".to_owned(),
            events => format!("by {}", words::list(events.iter().map(event))),
        });
        let mut lines = lines.into_iter();
        if let Some(first) = lines.next() {
            self.at(decided.at, &words::plain(&first));
        }
        for line in lines {
            let deeper = if line.starts_with(' ') { "  " } else { "" };
            self.below(&format!("{deeper}{}", words::plain(&line)));
        }
    }

    fn told(&mut self, one: &Explanation) {
        if one.told.is_empty() {
            return;
        }
        self.title("What was sent");
        for told in &one.told {
            self.notice(told);
        }
    }

    fn notice(&mut self, told: &Told) {
        let dates: Vec<String> = told
            .promised
            .iter()
            .map(|one| format!("{} not before {}", one.to, self.local(one.at)))
            .collect();
        let named =
            if dates.is_empty() { String::new() } else { format!(": {}", dates.join(", ")) };
        self.at(told.at, &format!("{}{named}", told.notice));
        if told.deliveries.is_empty() {
            self.below("to nobody: no contact has an address for it");
        }
        for delivery in &told.deliveries {
            self.delivery(delivery);
        }
    }

    fn delivery(&mut self, delivery: &Delivery) {
        let role = match delivery.role {
            Role::Creator => "creator",
            Role::Collaborator => "collaborator",
        };
        let to = format!("{} to {} ({role})", words::channel(delivery.channel), delivery.to);
        let waits = match delivery.next_at {
            Some(next) => format!("waiting, tried not before {}", self.local(next)),
            None => "waiting".to_owned(),
        };
        let state = if delivery.state == "waiting" { waits.as_str() } else { delivery.state };
        match delivery.answers.as_slice() {
            [only] if only.outcome == delivery.state => {
                let (at, said) = (self.local(only.at), words::plain(&only.said));
                self.below(&format!("{to}: {state} {at}, {said}"));
            }
            answers => {
                self.below(&format!("{to}: {state}"));
                for answer in answers {
                    let (at, said) = (self.local(answer.at), words::plain(&answer.said));
                    self.below(&format!("  {at} {}: {said}", answer.outcome));
                }
            }
        }
    }

    fn unconfirmed(&mut self, one: &Explanation) {
        if one.unconfirmed.is_empty() {
            return;
        }
        self.title("What the broker has not confirmed");
        for row in &one.unconfirmed {
            let error = row.last_error.as_ref().map(|error| format!(": {}", words::plain(error)));
            let tried = words::counted(i64::from(row.attempts), "attempt");
            let error = error.unwrap_or_default();
            self.at(row.since, &format!("{} {}, {tried}{error}", row.event_type, row.id));
        }
    }

    fn next(&mut self, one: &Explanation) {
        let Some(next) = &one.next else { return };
        self.title("What comes next, if nothing happens");
        if next.is_empty() {
            self.line("  nothing");
        }
        for ahead in next {
            self.at(ahead.at, &with_rules(&ahead.what, &ahead.rules));
        }
    }

    fn listed(&mut self, title: &str, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.title(title);
        for line in lines {
            self.line(&format!("  {}", words::plain(line)));
        }
    }
}

fn with_rules(what: &str, rules: &[String]) -> String {
    if rules.is_empty() { what.to_owned() } else { format!("{what} ({})", rules.join(", ")) }
}

fn event(event: &Caused) -> String {
    let kind = event.event_type.as_ref().map(|kind| format!("{kind} "));
    words::plain(&format!("{}{} of {}", kind.unwrap_or_default(), event.id, event.source))
}
