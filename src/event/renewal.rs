//! `billing.expiry.changed`, `billing.auto_renew.changed` and `billing.renewal.requested`: when terms end and whether they
//! go on. Which lengths may be chosen is the policy's matter, and refused by an answer, not here.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Data, Notes};
use super::refusal::Trouble;
use super::scalar::{Id, Instant, Name};
use crate::engine::input::{self, Body};

/// The term of a resource ends at another instant.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ExpiryChanged {
    /// The account.
    account: Id,
    /// The resource.
    resource: Id,
    /// The new end of its term.
    expires_at: Instant,
    /// Orders changes where the pipeline numbers them.
    sequence: Option<u64>,
}

/// Whether and how a resource renews itself was set.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct AutoRenewChanged {
    /// The account.
    account: Id,
    /// The resource.
    resource: Id,
    /// Who renews it.
    mode: RenewMode,
    /// For how many calendar months; derived by the policy where it is missing.
    months: Option<u32>,
}

/// Somebody renews a resource.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Requested {
    /// The account.
    account: Id,
    /// The resource.
    resource: Id,
    /// For how many calendar months.
    months: u32,
    /// What becomes smaller with it.
    #[serde(default)]
    downgrade: Option<Vec<Downgrade>>,
}

/// Who renews a resource.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RenewMode {
    Auto,
    Manual,
    None,
}

/// One thing that becomes smaller.
#[derive(Debug, Deserialize, JsonSchema)]
struct Downgrade {
    /// Which.
    field: DowngradeField,
    /// To what.
    to: Name,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum DowngradeField {
    InstanceType,
    Bandwidth,
    NetworkBilling,
    DataDiskBilling,
}

impl RenewMode {
    pub(super) fn with(self, months: Option<u32>) -> input::AutoRenew {
        let mode = match self {
            Self::Auto => input::RenewMode::Auto,
            Self::Manual => input::RenewMode::Manual,
            Self::None => input::RenewMode::None,
        };
        input::AutoRenew { mode, months }
    }
}

impl From<Downgrade> for input::Downgrade {
    fn from(downgrade: Downgrade) -> Self {
        let field = match downgrade.field {
            DowngradeField::InstanceType => "instance_type",
            DowngradeField::Bandwidth => "bandwidth",
            DowngradeField::NetworkBilling => "network_billing",
            DowngradeField::DataDiskBilling => "data_disk_billing",
        };
        Self { field: field.to_owned(), to: downgrade.to.into() }
    }
}

impl Data for ExpiryChanged {
    const TYPE: &'static str = "billing.expiry.changed";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::ExpiryChanged {
            resource: self.resource.into(),
            expires_at: self.expires_at.0,
            sequence: self.sequence,
        })
    }
}

impl Data for AutoRenewChanged {
    const TYPE: &'static str = "billing.auto_renew.changed";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        let auto_renew = self.mode.with(self.months);
        Ok(Body::AutoRenewChanged { resource: self.resource.into(), auto_renew })
    }
}

impl Data for Requested {
    const TYPE: &'static str = "billing.renewal.requested";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, _: &mut Notes) -> Result<Body, Trouble> {
        let downgrade = self.downgrade.unwrap_or_default();
        Ok(Body::RenewalRequested {
            resource: self.resource.into(),
            months: self.months,
            downgrade: downgrade.into_iter().map(Into::into).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RefusalCode;
    use crate::event::tests::{body_of, refusal_of};
    use serde_json::json;

    #[test]
    fn an_expiry_is_an_instant_of_our_time() {
        let data = |at: &str| json!({"account": "acc-1", "resource": "ins-1", "expires_at": at, "sequence": 3});
        let body = body_of(ExpiryChanged::TYPE, data("2026-04-01T00:00:00+08:00"));
        let Body::ExpiryChanged { expires_at, sequence: Some(3), .. } = body else { panic!() };
        assert_eq!(expires_at.to_rfc3339(), "2026-03-31T16:00:00+00:00");
        let refusal = refusal_of(ExpiryChanged::TYPE, data("9999-12-31T23:59:59Z"));
        assert_eq!(refusal.code, RefusalCode::Instant);
        assert_eq!(refusal.field.as_deref(), Some("/data/expires_at"));
    }

    #[test]
    fn a_renewal_keeps_its_length_also_where_no_policy_has_it() {
        let body = body_of(
            Requested::TYPE,
            json!({"account": "acc-1", "resource": "ins-1", "months": 10,
                   "downgrade": [{"field": "instance_type", "to": "ecs.s6"}, {"field": "bandwidth", "to": "5"}]}),
        );
        let Body::RenewalRequested { months: 10, downgrade, .. } = body else { panic!() };
        assert_eq!(downgrade[1], input::Downgrade { field: "bandwidth".into(), to: "5".into() });
        let refusal = refusal_of(
            Requested::TYPE,
            json!({"account": "acc-1", "resource": "ins-1", "months": 1, "downgrade": [{"field": "memory", "to": "1"}]}),
        );
        assert_eq!(refusal.field.as_deref(), Some("/data/downgrade/0/field"));
    }

    #[test]
    fn auto_renewal_is_a_mode_and_a_length() {
        let data = |mode: &str| json!({"account": "acc-1", "resource": "ins-1", "mode": mode, "months": 3});
        let body = body_of(AutoRenewChanged::TYPE, data("none"));
        let expected = input::AutoRenew { mode: input::RenewMode::None, months: Some(3) };
        assert!(
            matches!(body, Body::AutoRenewChanged { auto_renew, .. } if auto_renew == expected)
        );
        assert_eq!(refusal_of(AutoRenewChanged::TYPE, data("on")).code, RefusalCode::Schema);
    }
}
