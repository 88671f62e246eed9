//! Who may say what, and what each source must do before anything is released (SAFE-5). Knows rules, no facts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::event::{Decoded, Refusal, RefusalCode};

/// The type of the event that says that a source is alive.
pub const HEARTBEAT: &str = "billing.heartbeat";

/// What shows that the facts of a source are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// Its heartbeat at or past an instant, and that the queues were read since.
    Heartbeat,
    /// That the queues were read: it sends no heartbeats. A source that is dead looks the same as one with nothing to say.
    QueueOnly,
}

/// What holds for one source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// What shows that its facts are complete; `None`: as for those that are not listed.
    pub freshness: Option<Proof>,
    /// The types that it may send, a final `*` for any end; `None`: all.
    pub types: Option<Vec<String>>,
    /// The logins that it may publish with, as the broker vouches for them (AMQP `user_id`); `None`: any.
    pub users: Option<Vec<String>>,
}

/// Every source that is spoken of, and all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// By CloudEvents `source`.
    pub listed: BTreeMap<String, Rules>,
    /// Events of others are set aside.
    pub only_listed: bool,
    /// What shows that the facts of a source are complete, where its rules do not say it.
    pub default: Proof,
}

impl Default for Sources {
    fn default() -> Self {
        Self { listed: BTreeMap::new(), only_listed: false, default: Proof::Heartbeat }
    }
}

/// How long facts and clocks are waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// Who may say what.
    pub sources: Sources,
    /// A step that waits for facts is said to be held only after this long.
    pub patience: Duration,
    /// A source that has sent no heartbeat for so long is said to be silent.
    pub silent_after: Duration,
    /// At most so many sources that are not listed are known; with more, nothing is complete.
    pub sources_max: usize,
    /// The least time between two markers in one queue.
    pub marker_every: Duration,
    /// A marker that was not read back for so long is sent again.
    pub marker_timeout: Duration,
    /// A wall clock that is further off than this has jumped.
    pub clock_tolerance: Duration,
}

impl Default for Freshness {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self {
            sources: Sources::default(),
            patience: secs(10),
            silent_after: secs(180),
            sources_max: 1_000,
            marker_every: secs(5),
            marker_timeout: secs(60),
            clock_tolerance: secs(60),
        }
    }
}

impl Rules {
    /// Whether a pattern of `types` lets this type through.
    pub fn lets(pattern: &str, event_type: &str) -> bool {
        match pattern.strip_suffix('*') {
            Some(beginning) => event_type.starts_with(beginning),
            None => pattern == event_type,
        }
    }

    /// Whether it may send this type.
    pub fn may_send(&self, event_type: &str) -> bool {
        self.types.as_ref().is_none_or(|types| types.iter().any(|one| Self::lets(one, event_type)))
    }
}

impl Sources {
    /// Where no broker vouches for a login, none is asked for.
    pub fn ask_no_users(&mut self) {
        for rules in self.listed.values_mut() {
            rules.users = None;
        }
    }

    /// What shows that the facts of this source are complete; `None`: it may say nothing.
    pub(super) fn proof(&self, source: &str) -> Option<Proof> {
        match self.listed.get(source) {
            Some(rules) => Some(rules.freshness.unwrap_or(self.default)),
            None if self.only_listed => None,
            None => Some(self.default),
        }
    }

    /// Lets an event through, or says why not; `user` is what the broker vouches for.
    #[expect(clippy::result_large_err, reason = "rare, and stored whole where it happens")]
    pub(super) fn admit(&self, decoded: Decoded, user: Option<&str>) -> Result<Decoded, Refusal> {
        match self.denial(&decoded, user) {
            None => Ok(decoded),
            Some((field, reason)) => Err(Refusal {
                code: RefusalCode::NotAllowed,
                field: Some(field.to_owned()),
                reason: reason.to_owned(),
                key: Some(decoded.event.key),
                event_type: Some(decoded.event_type.to_owned()),
                account: Some(decoded.event.account),
                time: Some(decoded.event.time),
            }),
        }
    }

    /// What is not allowed, and why.
    fn denial(
        &self,
        decoded: &Decoded,
        user: Option<&str>,
    ) -> Option<(&'static str, &'static str)> {
        let Some(rules) = self.listed.get(&decoded.event.key.source) else {
            return self
                .only_listed
                .then_some(("/source", "`sources` of the settings does not list this source"));
        };
        if !rules.may_send(decoded.event_type) {
            return Some((
                "/type",
                "`sources` of the settings does not let this source send this type",
            ));
        }
        let users = rules.users.as_ref()?;
        match user {
            None => Some(("user_id", "this source must publish with the AMQP property user_id")),
            Some(user) if users.iter().any(|one| one == user) => None,
            Some(_) => Some((
                "user_id",
                "`sources` of the settings does not let this login publish for this source",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::engine::id::EventKey;
    use crate::engine::input::{Body, Event};

    fn decoded(source: &str, event_type: &'static str) -> Decoded {
        let key = EventKey { source: source.into(), id: "1".into() };
        let event =
            Event { key, time: DateTime::UNIX_EPOCH, account: "a".into(), body: Body::Heartbeat };
        Decoded {
            event,
            event_type,
            fingerprint: [0; 32],
            unknown_fields: 0,
            unusable_addresses: 0,
        }
    }

    fn text(words: &[&str]) -> Option<Vec<String>> {
        Some(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn sources() -> Sources {
        let rules = Rules {
            freshness: Some(Proof::QueueOnly),
            types: text(&["billing.hold.*", HEARTBEAT]),
            users: text(&["legal"]),
        };
        Sources { listed: BTreeMap::from([("/legal".to_owned(), rules)]), ..Sources::default() }
    }

    fn refused_at(sources: &Sources, decoded: Decoded, user: Option<&str>) -> Option<String> {
        let refusal = sources.admit(decoded, user).err()?;
        assert_eq!(refusal.code.label(), "not_allowed");
        refusal.field
    }

    #[test]
    fn a_listed_source_says_what_it_may_and_nothing_else() {
        let of = |event_type, user| refused_at(&sources(), decoded("/legal", event_type), user);
        assert_eq!(of("billing.hold.placed", Some("legal")), None);
        assert_eq!(of(HEARTBEAT, Some("legal")), None);
        assert_eq!(of("billing.balance.changed", Some("legal")).as_deref(), Some("/type"));
        assert_eq!(of("billing.hold.placed", Some("other")).as_deref(), Some("user_id"));
        assert_eq!(of("billing.hold.placed", None).as_deref(), Some("user_id"));
    }

    #[test]
    fn others_may_say_everything_unless_only_those_listed_may() {
        let other = || decoded("/billing", "billing.balance.changed");
        let mut sources = sources();
        assert_eq!(refused_at(&sources, other(), None), None);
        assert_eq!(sources.proof("/billing"), Some(Proof::Heartbeat));
        sources.only_listed = true;
        assert_eq!(refused_at(&sources, other(), None).as_deref(), Some("/source"));
        assert_eq!(sources.proof("/billing"), None);
        assert_eq!(sources.proof("/legal"), Some(Proof::QueueOnly));
    }
}
