//! The closed set of events that are understood: one line a type, and everything else follows from it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::read;
use super::refusal::{RefusalCode, Trouble};
use super::scalar::Id;
use super::{
    account, balance, bounce, charge, heartbeat, hold, moratorium, out, renewal, resource, returns,
    sync, termination, usage,
};
use crate::engine::id::AccountId;
use crate::engine::input::Body;

/// The `data` of one type of event.
pub(super) trait Data: DeserializeOwned + JsonSchema {
    /// Its CloudEvents type.
    const TYPE: &'static str;
    /// Whether an event without data is one with an empty object.
    const MAY_BE_ABSENT: bool = false;

    /// Whose it is. Only events that are about no account have none.
    fn account(&self) -> Option<&Id>;

    /// What the engine is told. Checks what one field alone cannot say.
    fn into_body(self, notes: &mut Notes) -> Result<Body, Trouble>;
}

/// What was noticed and is no mistake.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) unusable_addresses: usize,
}

/// The data of an event, understood.
pub(super) struct Read {
    pub(super) event_type: &'static str,
    pub(super) account: Option<AccountId>,
    pub(super) body: Body,
    pub(super) unknown_fields: usize,
    pub(super) unusable_addresses: usize,
}

macro_rules! kinds {
    ($($data:ty),+ $(,)?) => {
        /// Every type of event that is understood (spec §3).
        pub const EVENT_TYPES: &[&str] = &[$(<$data as Data>::TYPE),+];

        /// Reads the data of an event of this type.
        pub(super) fn read(event_type: &str, data: &Value) -> Result<Read, Trouble> {
            match event_type {
                $(<$data as Data>::TYPE => read_as::<$data>(data),)+
                _ => Err(Trouble::new(
                    RefusalCode::UnknownType,
                    "/type",
                    "expected one of the types that `dunlin schema` lists",
                )),
            }
        }

        /// Whether an event of this type without data is one with an empty object.
        pub(super) fn data_may_be_absent(event_type: &str) -> bool {
            match event_type {
                $(<$data as Data>::TYPE => <$data as Data>::MAY_BE_ABSENT,)+
                _ => false,
            }
        }

        /// The JSON Schema of the data of every type.
        pub(super) fn schemas_in() -> BTreeMap<&'static str, Value> {
            BTreeMap::from([$((<$data as Data>::TYPE, schema_of::<$data>())),+])
        }
    };
}

kinds! {
    account::Updated,
    balance::Changed,
    balance::ArrearsStarted,
    balance::ArrearsCleared,
    usage::Charged,
    resource::Activated,
    resource::Imported,
    resource::Removed,
    renewal::ExpiryChanged,
    renewal::AutoRenewChanged,
    renewal::Requested,
    charge::Succeeded,
    charge::Failed,
    termination::Requested,
    termination::Scheduled,
    termination::Cancelled,
    termination::RestoreRequested,
    termination::ReleaseRequested,
    returns::Requested,
    sync::Requested,
    hold::Placed,
    hold::Lifted,
    moratorium::Placed,
    moratorium::Lifted,
    heartbeat::Heartbeat,
    bounce::Bounced,
}

/// The type as a metric label: `unknown` where it is in neither §3 nor §4, so that a sender cannot make labels up.
pub fn event_type_label(event_type: &str) -> &'static str {
    let known = EVENT_TYPES.iter().chain(out::EVENT_TYPES);
    known.copied().find(|known| *known == event_type).unwrap_or("unknown")
}

fn read_as<T: Data>(data: &Value) -> Result<Read, Trouble> {
    let empty = Value::Object(Map::new());
    let data = if T::MAY_BE_ABSENT && data.is_null() { &empty } else { data };
    let mut notes = Notes::default();
    let (data, unknown_fields) = read::read::<T>(data).map_err(|trouble| trouble.under("data"))?;
    let account = data.account().map(|id| AccountId::new(id.as_str()));
    let body = data.into_body(&mut notes).map_err(|trouble| trouble.under("data"))?;
    Ok(Read {
        event_type: T::TYPE,
        account,
        body,
        unknown_fields,
        unusable_addresses: notes.unusable_addresses,
    })
}

/// The schema of one type's data (JSON Schema 2020-12), under the type's name.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_a_closed_set() {
        for event_type in EVENT_TYPES {
            assert_eq!(event_type_label(event_type), *event_type);
        }
        assert_eq!(event_type_label("lifecycle.resource.changed"), "lifecycle.resource.changed");
        assert_eq!(event_type_label("billing.made.up"), "unknown");
    }

    #[test]
    fn every_type_is_there_once() {
        let mut types = EVENT_TYPES.to_vec();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), 26);
    }
}
