//! `billing.resource.*`: a resource enters dunlin, is taken over in the middle of its life, or is gone.
//!
//! Whether an expiry is needed, and which first term may be bought, is the policy's matter.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Data, Notes};
use super::refusal::Trouble;
use super::renewal::RenewMode;
use super::scalar::{CurrencyCode, Id, Instant, Name, PolicyName, Price};
use crate::engine::input::{self, Activation, Body, Import, Traits};

mod parts;

use parts::{Attachment, AutoRenew, Disk, Flag, Network, Order};

/// An imported resource has all that an activated one has, on the same level of its JSON. Written once; serde's `flatten`
/// would lose the places of mistakes.
macro_rules! resource_data {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize, JsonSchema)]
        pub(super) struct $name {
            /// The account.
            account: Id,
            /// The resource.
            resource: Id,
            /// Id of the policy that it follows.
            policy: PolicyName,
            /// The account's currency, where given.
            currency: Option<CurrencyCode>,
            /// What its owner calls it.
            name: Option<Name>,
            /// Where it is.
            region: Option<Name>,
            /// Zone of the region.
            zone: Option<Name>,
            /// As `SN2`.
            instance_family: Option<Name>,
            /// When it was bought.
            purchased_at: Option<Instant>,
            /// When its term ends.
            expires_at: Option<Instant>,
            /// Length of its first term, in calendar months, where `expires_at` is not given.
            term_months: Option<u32>,
            /// Whether and how it renews itself.
            auto_renew: Option<AutoRenew>,
            /// Price of one month.
            price: Option<Price>,
            /// Price of one hour of the same configuration.
            hourly_price: Option<Price>,
            /// How its network is billed.
            network: Option<Network>,
            /// What was paid for it.
            #[serde(default)]
            orders: Option<Vec<Order>>,
            /// What is attached to it; unknown where missing.
            attachments: Option<Vec<Attachment>>,
            /// Its disks; unknown where missing.
            disks: Option<Vec<Disk>>,
            /// Facts that rule out a return.
            #[serde(default)]
            flags: Option<Vec<Flag>>,
            $($(#[$field_doc])* $field: $type,)*
        }

        impl $name {
            fn activation(self) -> Activation {
                let into_strings = |name: Option<Name>| name.map(String::from);
                Activation {
                    resource: self.resource.into(),
                    policy: self.policy.into(),
                    currency: self.currency.map(|code| code.0),
                    traits: Traits {
                        name: into_strings(self.name),
                        region: into_strings(self.region),
                        zone: into_strings(self.zone),
                        instance_family: into_strings(self.instance_family),
                        price: self.price.map(|price| price.0),
                        hourly_price: self.hourly_price.map(|price| price.0),
                        network: self.network.map(Into::into),
                        attachments: self.attachments.map(parts::all),
                        disks: self.disks.map(parts::all),
                        flags: parts::all(self.flags.unwrap_or_default()),
                    },
                    purchased_at: self.purchased_at.map(|at| at.0),
                    expires_at: self.expires_at.map(|at| at.0),
                    term_months: self.term_months,
                    auto_renew: self.auto_renew.map(|set| set.mode.with(set.months)),
                    orders: parts::all(self.orders.unwrap_or_default()),
                }
            }
        }
    };
}

resource_data! {
    /// A resource begins.
    Activated {}
}

resource_data! {
    /// A resource comes over from the system before dunlin. Nobody is told again.
    Imported {
        /// The phase of its policy that it is in.
        phase: Id,
        /// Since when.
        since: Instant,
        /// When the arrears that it is in began, if it is.
        arrears_since: Option<Instant>,
        /// What its contacts were already told.
        #[serde(default)]
        notices_sent: Option<Vec<SentNotice>>,
    }
}

/// A notice that was sent by the system before dunlin.
#[derive(Debug, Deserialize, JsonSchema)]
struct SentNotice {
    /// Which kind.
    notice: Id,
    /// When.
    at: Instant,
}

/// A resource is gone outside of dunlin.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Removed {
    /// The account.
    account: Id,
    /// The resource.
    resource: Id,
}

impl Data for Activated {
    const TYPE: &'static str = "billing.resource.activated";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::ResourceActivated(Box::new(self.activation())))
    }
}

impl Data for Imported {
    const TYPE: &'static str = "billing.resource.imported";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(mut self, _: &mut Notes) -> Result<Body, Trouble> {
        let told = self.notices_sent.take().unwrap_or_default().into_iter();
        let notices_sent = told
            .map(|sent| input::SentNotice { notice: sent.notice.into(), at: sent.at.0 })
            .collect();
        Ok(Body::ResourceImported(Box::new(Import {
            phase: self.phase.as_str().into(),
            since: self.since.0,
            arrears_since: self.arrears_since.map(|at| at.0),
            notices_sent,
            activation: self.activation(),
        })))
    }
}

impl Data for Removed {
    const TYPE: &'static str = "billing.resource.removed";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::ResourceRemoved { resource: self.resource.into() })
    }
}

#[cfg(test)]
mod tests;
