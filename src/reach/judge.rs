//! Whether anybody can be told: a pure judgement over contacts, the channels that there are, and what became of the last messages.
//!
//! In doubt somebody can: who was never written to, or of whom nobody can tell, is not called unreachable.

use core::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::engine::input::Contact;
use crate::engine::policy::Channel;
use crate::store::AttemptOutcome;

/// Why nobody can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Why {
    /// The person was erased.
    Erased,
    /// No contact is known.
    NoContacts,
    /// No contact has an address for a channel that there is.
    NoAddress {
        /// How many contacts there are.
        contacts: usize,
    },
    /// The last message to every address was refused for good, or came back.
    NothingArrives {
        /// How many addresses there are.
        addresses: usize,
        /// When the last of these was told.
        last_at: DateTime<Utc>,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Erased => f.write_str("the person was erased"),
            Self::NoContacts => f.write_str("no contact is known"),
            Self::NoAddress { contacts } => {
                write!(f, "{contacts} contacts, none with an address for a channel that there is")
            }
            Self::NothingArrives { addresses, last_at } => {
                let at = last_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
                write!(
                    f,
                    "{addresses} addresses, the last message to each was refused for good or came back, {at} the latest"
                )
            }
        }
    }
}

/// What became of a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Last {
    /// How it was sent.
    pub channel: Channel,
    /// Where to.
    pub address: String,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// When what it says was decided.
    pub at: DateTime<Utc>,
}

impl fmt::Debug for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Last").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

/// Why nobody can be told; `None` if somebody can, as far as is known. Of messages to one address the newest counts.
pub fn judge(contacts: &[Contact], channels: &[Channel], last: &[Last]) -> Option<Why> {
    if contacts.is_empty() {
        return Some(Why::NoContacts);
    }
    let of_channel = |contact: &Contact, channel| match channel {
        Channel::Email => contact.email.clone(),
        Channel::Sms => contact.phone.clone(),
    };
    let addresses: Vec<(Channel, String)> = contacts
        .iter()
        .flat_map(|contact| {
            let has = |channel| of_channel(contact, channel).map(|address| (channel, address));
            channels.iter().filter_map(move |channel| has(*channel)).collect::<Vec<_>>()
        })
        .collect();
    if addresses.is_empty() {
        return Some(Why::NoAddress { contacts: contacts.len() });
    }
    let newest = |(channel, address): &(Channel, String)| {
        let to_it = last.iter().filter(|one| one.channel == *channel && one.address == *address);
        to_it.max_by_key(|one| one.at).filter(|one| is_dead(one.outcome)).map(|one| one.at)
    };
    let dead: Option<Vec<DateTime<Utc>>> = addresses.iter().map(newest).collect();
    let last_at = dead?.into_iter().max()?;
    Some(Why::NothingArrives { addresses: addresses.len(), last_at })
}

/// Whether an address is of no use after this.
fn is_dead(outcome: AttemptOutcome) -> bool {
    match outcome {
        AttemptOutcome::Failed | AttemptOutcome::Bounced => true,
        AttemptOutcome::Sent | AttemptOutcome::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::engine::input::Role;

    const BOTH: &[Channel] = &[Channel::Email, Channel::Sms];

    fn contact(email: Option<&str>, phone: Option<&str>) -> Contact {
        let own = |text: &str| text.to_owned();
        let (email, phone) = (email.map(own), phone.map(own));
        Contact { name: "Ann".into(), role: Role::Creator, email, phone, locale: None }
    }

    fn at(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(days)
    }

    fn mail(address: &str, outcome: AttemptOutcome, days: i64) -> Last {
        Last { channel: Channel::Email, address: address.to_owned(), outcome, at: at(days) }
    }

    #[test]
    fn nobody_can_be_told_without_contacts_or_without_an_address_that_a_channel_takes() {
        assert_eq!(judge(&[], BOTH, &[]), Some(Why::NoContacts));
        let bare = contact(None, None);
        assert_eq!(judge(&[bare], BOTH, &[]), Some(Why::NoAddress { contacts: 1 }));
        let by_phone = contact(None, Some("+8613800000001"));
        let mail_only = judge(core::slice::from_ref(&by_phone), &[Channel::Email], &[]);
        assert_eq!(mail_only, Some(Why::NoAddress { contacts: 1 }));
        assert_eq!(judge(&[by_phone], BOTH, &[]), None, "never tried");
    }

    #[test]
    fn an_address_is_dead_after_a_refusal_for_good_or_a_bounce_and_not_after_anything_else() {
        let ann = [contact(Some("ann@a.example"), None)];
        for (outcome, dead) in [
            (AttemptOutcome::Failed, true),
            (AttemptOutcome::Bounced, true),
            (AttemptOutcome::Sent, false),
            (AttemptOutcome::Unknown, false),
        ] {
            let why = judge(&ann, BOTH, &[mail("ann@a.example", outcome, 3)]);
            let expected = dead.then_some(Why::NothingArrives { addresses: 1, last_at: at(3) });
            assert_eq!(why, expected, "{outcome:?}");
        }
    }

    #[test]
    fn one_address_that_works_or_was_never_tried_is_enough() {
        let both = [contact(Some("ann@a.example"), Some("+8613800000001"))];
        let failed = mail("ann@a.example", AttemptOutcome::Failed, 3);
        assert_eq!(judge(&both, BOTH, core::slice::from_ref(&failed)), None);
        let why = judge(&both, &[Channel::Email], core::slice::from_ref(&failed));
        assert!(matches!(why, Some(Why::NothingArrives { .. })));
        let corrected = [contact(Some("ann@b.example"), None)];
        assert_eq!(judge(&corrected, BOTH, &[failed]), None, "it was another address");
    }

    #[test]
    fn of_messages_to_one_address_the_newest_counts() {
        let ann = [contact(Some("ann@a.example"), None)];
        let failed = mail("ann@a.example", AttemptOutcome::Failed, 3);
        let sent = mail("ann@a.example", AttemptOutcome::Sent, 5);
        assert_eq!(judge(&ann, BOTH, &[failed.clone(), sent.clone()]), None);
        assert_eq!(judge(&ann, BOTH, &[sent, failed.clone()]), None);
        let earlier = mail("ann@a.example", AttemptOutcome::Sent, 1);
        assert!(judge(&ann, BOTH, &[failed, earlier]).is_some());
    }

    #[test]
    fn no_reason_shows_an_address() {
        let one = mail("ann@a.example", AttemptOutcome::Failed, 3);
        assert!(!format!("{one:?}").contains("ann"));
    }
}
