//! `billing.account.updated`: who an account is and who is told.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Data, Notes};
use super::refusal::Trouble;
use super::scalar::{CurrencyCode, Email, Id, Locale, Name, Phone};
use crate::engine::input::{self, Body, Profile};

/// Who an account is. It replaces what was known before.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Updated {
    /// The account.
    account: Id,
    /// The one currency of its balance, usage and prices.
    currency: CurrencyCode,
    /// Who is told.
    contacts: Vec<Contact>,
    /// Language of its notices, as a BCP 47 tag.
    locale: Option<Locale>,
    /// What it is called in notices.
    name: Option<Name>,
}

/// One person who is told.
#[derive(Debug, Deserialize, JsonSchema)]
struct Contact {
    /// How to address them.
    name: Name,
    /// What they are to the account.
    role: Role,
    /// An address without display name. One that is not usable counts as missing.
    email: Option<Email>,
    /// A number in E.164. One that is not usable counts as missing.
    phone: Option<Phone>,
    /// Their language, before the account's.
    locale: Option<Locale>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Role {
    Creator,
    Collaborator,
}

impl Data for Updated {
    const TYPE: &'static str = "billing.account.updated";

    fn account(&self) -> Option<&Id> {
        Some(&self.account)
    }

    fn into_body(self, notes: &mut Notes) -> Result<Body, Trouble> {
        Ok(Body::AccountUpdated(Profile {
            currency: self.currency.0,
            contacts: self.contacts.into_iter().map(|contact| contact.into_input(notes)).collect(),
            locale: self.locale.map(String::from),
            name: self.name.map(String::from),
        }))
    }
}

impl Contact {
    fn into_input(self, notes: &mut Notes) -> input::Contact {
        let unusable_email = self.email.as_ref().is_some_and(|email| email.0.is_none());
        let unusable_phone = self.phone.as_ref().is_some_and(|phone| phone.0.is_none());
        notes.unusable_addresses += usize::from(unusable_email) + usize::from(unusable_phone);
        input::Contact {
            name: self.name.into(),
            role: match self.role {
                Role::Creator => input::Role::Creator,
                Role::Collaborator => input::Role::Collaborator,
            },
            email: self.email.and_then(|email| email.0),
            phone: self.phone.and_then(|phone| phone.0),
            locale: self.locale.map(String::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{body_of, refusal_of};
    use super::super::{RefusalCode, decode};
    use super::*;
    use crate::event::Limits;
    use crate::event::tests::delivery;
    use serde_json::json;

    #[test]
    fn an_account_is_read_with_all_its_contacts() {
        let body = body_of(
            Updated::TYPE,
            json!({"account": "acc-1", "currency": "CNY", "locale": "zh-Hans-CN", "name": "上海\u{202e} Acme", "contacts": [
                {"name": "Ann", "role": "creator", "email": "ann@acc-1.example", "phone": "+8613800000001", "locale": "en"},
                {"name": "Bob", "role": "collaborator", "email": null},
            ]}),
        );
        let Body::AccountUpdated(profile) = body else { panic!("{body:?}") };
        assert_eq!(profile.name.as_deref(), Some("上海 Acme"));
        assert_eq!(profile.locale.as_deref(), Some("zh-Hans-CN"));
        assert_eq!(profile.contacts[0].phone.as_deref(), Some("+8613800000001"));
        assert_eq!(profile.contacts[0].role, input::Role::Creator);
        assert_eq!(profile.contacts[1].email, None);
        assert_eq!(profile.contacts[1].role, input::Role::Collaborator);
    }

    #[test]
    fn a_line_break_in_an_address_refuses_the_event_and_is_not_repeated() {
        for (field, text) in
            [("email", "ann@x.example\r\nBcc: eve@x.example"), ("phone", "+861380000\n0001")]
        {
            let refusal = refusal_of(
                Updated::TYPE,
                json!({"account": "acc-1", "currency": "CNY", "contacts": [
                    {"name": "Bob", "role": "creator"}, {"name": "Ann", "role": "creator", field: text}]}),
            );
            assert_eq!(refusal.code, RefusalCode::Address);
            assert_eq!(refusal.field, Some(format!("/data/contacts/1/{field}")));
            let said = format!("{refusal} {refusal:?}");
            assert!(!said.contains("x.example") && !said.contains("1380000"), "{said}");
        }
    }

    #[test]
    fn a_contact_with_a_mistyped_address_goes_without_and_is_counted() {
        let data = json!({"account": "acc-1", "currency": "CNY", "contacts": [
            {"name": "Ann", "role": "creator", "email": "ann", "phone": "138"},
            {"name": "Bob", "role": "creator", "email": "bob@x.example"},
            {"name": "Eve", "role": "creator"}]});
        let decoded =
            decode(&delivery(Updated::TYPE, data), &Limits::default()).expect("is taken in");
        assert_eq!(decoded.unusable_addresses, 2);
        let Body::AccountUpdated(profile) = decoded.event.body else { panic!("a profile") };
        assert_eq!((&profile.contacts[0].email, &profile.contacts[0].phone), (&None, &None));
        assert_eq!(profile.contacts[1].email.as_deref(), Some("bob@x.example"));
    }

    #[test]
    fn an_unknown_currency_is_refused() {
        for currency in ["XXX", "cny", ""] {
            let data = json!({"account": "acc-1", "currency": currency, "contacts": []});
            let refusal = refusal_of(Updated::TYPE, data);
            assert_eq!(refusal.code, RefusalCode::Currency);
            assert_eq!(refusal.field.as_deref(), Some("/data/currency"));
        }
    }
}
