//! Whether every notice that a policy sends has a template. Knows no template itself: it asks.

use crate::engine::id::{NoticeKind, PolicyKey};
use crate::engine::policy::{Channel, Policy};

/// A notice that a policy sends and nobody could render.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy `{}` version {} sends `{kind}` by {}, but there is no template for it", key.id, key.version, channel_name(*channel))]
pub struct MissingTemplate {
    /// The policy.
    pub key: PolicyKey,
    /// The notice.
    pub kind: NoticeKind,
    /// How it would be sent.
    pub channel: Channel,
}

fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Sms => "sms",
    }
}

/// The notices of a policy that have no template, each once, by kind and channel.
pub fn check_notices(
    policy: &Policy,
    has_template: impl Fn(&NoticeKind, Channel) -> bool,
) -> Vec<MissingTemplate> {
    let mut missing: Vec<_> = policy
        .notices
        .iter()
        .flat_map(|rule| rule.channels.iter().map(|channel| (&rule.kind, *channel)))
        .filter(|(kind, channel)| !has_template(kind, *channel))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    let describe = |(kind, channel): (&NoticeKind, Channel)| MissingTemplate {
        key: policy.key.clone(),
        kind: kind.clone(),
        channel,
    };
    missing.into_iter().map(describe).collect()
}
