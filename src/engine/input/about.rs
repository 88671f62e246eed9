//! What an event is about: the resources that it names, and whether it is a request.

use super::super::effect::Request;
use super::{Body, ResourceId};

impl Body {
    /// The resources that it names.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceId> {
        let (one, many): (Option<&ResourceId>, &[ResourceId]) = match self {
            Self::AccountUpdated(_)
            | Self::BalanceReported { .. }
            | Self::MoratoriumPlaced { .. }
            | Self::MoratoriumLifted { .. }
            | Self::Heartbeat
            | Self::NoticeBounced { .. } => (None, &[]),
            Self::UsageCharged(usage) => (usage.resource.as_ref(), &[]),
            Self::ResourceActivated(activation) => (Some(&activation.resource), &[]),
            Self::ResourceImported(import) => (Some(&import.activation.resource), &[]),
            Self::ResourceRemoved { resource }
            | Self::ExpiryChanged { resource, .. }
            | Self::AutoRenewChanged { resource, .. }
            | Self::RenewalRequested { resource, .. }
            | Self::ChargeSucceeded { resource, .. }
            | Self::ChargeFailed { resource, .. }
            | Self::TerminationScheduled { resource, .. }
            | Self::TerminationCancelled { resource }
            | Self::RestoreRequested { resource }
            | Self::ReleaseRequested { resource }
            | Self::ReturnRequested { resource } => (Some(resource), &[]),
            Self::HoldPlaced { resource, .. } | Self::HoldLifted { resource, .. } => {
                (resource.as_ref(), &[])
            }
            Self::TerminationRequested { resources, .. }
            | Self::ExpirySyncRequested { resources, .. } => (None, resources),
        };
        one.into_iter().chain(many)
    }

    /// The request that it is, if it is one and no fact.
    pub fn request(&self) -> Option<Request> {
        match self {
            Self::RenewalRequested { .. } => Some(Request::Renewal),
            Self::ChargeSucceeded { .. } | Self::ChargeFailed { .. } => Some(Request::Charge),
            Self::TerminationRequested { .. } => Some(Request::Termination),
            Self::RestoreRequested { .. } => Some(Request::Restore),
            Self::ReleaseRequested { .. } => Some(Request::Release),
            Self::ReturnRequested { .. } => Some(Request::Return),
            Self::ExpirySyncRequested { .. } => Some(Request::ExpirySync),
            Self::AccountUpdated(_)
            | Self::BalanceReported { .. }
            | Self::UsageCharged(_)
            | Self::ResourceActivated(_)
            | Self::ResourceImported(_)
            | Self::ResourceRemoved { .. }
            | Self::ExpiryChanged { .. }
            | Self::AutoRenewChanged { .. }
            | Self::TerminationScheduled { .. }
            | Self::TerminationCancelled { .. }
            | Self::HoldPlaced { .. }
            | Self::HoldLifted { .. }
            | Self::MoratoriumPlaced { .. }
            | Self::MoratoriumLifted { .. }
            | Self::Heartbeat
            | Self::NoticeBounced { .. } => None,
        }
    }
}
