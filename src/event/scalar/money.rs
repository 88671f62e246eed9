//! Amounts and currencies on the wire. Amounts are JSON strings: a number was a float somewhere on its way.

use std::sync::LazyLock;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Scalar;
use crate::engine::money::{Currency, Money};
use crate::event::refusal::RefusalCode;

/// Every code in use: the engine knows them one by one.
static CODES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let letters = || 'A'..='Z';
    letters()
        .flat_map(|a| letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}"))))
        .filter(|code| code.parse::<Currency>().is_ok())
        .collect()
});

const INTEGER_DIGITS_MAX: usize = 18;
const FRACTION_DIGITS_MAX: usize = 8;

/// An amount that may be below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::event) struct Amount(pub(in crate::event) Decimal);

/// An amount that is zero or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::event) struct Price(pub(in crate::event) Decimal);

/// An ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::event) struct CurrencyCode(pub(in crate::event) Currency);

/// The amount in plain digits, with the decimals of its currency at least and no others that are zero.
pub(in crate::event) fn money_text(money: Money) -> String {
    let mut amount = money.amount.normalize();
    let units = money.currency.minor_units();
    if amount.scale() < units {
        amount.rescale(units);
    }
    amount.to_string()
}

fn decimal(text: &str) -> Result<Decimal, &'static str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (integer, fraction) = match digits.split_once('.') {
        Some((integer, fraction)) => (integer, Some(fraction)),
        None => (digits, None),
    };
    let plain = |part: &str, max: usize| {
        (1..=max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let well_formed = plain(integer, INTEGER_DIGITS_MAX)
        && fraction.is_none_or(|part| plain(part, FRACTION_DIGITS_MAX));
    if !well_formed {
        return Err("it is not plain digits, or there are too many of them");
    }
    let amount: Decimal = text.parse().map_err(|_| "it is not a decimal")?;
    // There is one zero.
    Ok(if amount.is_zero() { Decimal::ZERO } else { amount })
}

impl Scalar for Amount {
    const CODE: RefusalCode = RefusalCode::Money;
    const EXPECTED: &'static str =
        "an amount as a JSON string of plain decimal digits (at most 18, and 8 after the point)";

    fn parse(text: &str) -> Result<Self, &'static str> {
        decimal(text).map(Self)
    }

    fn schema() -> Value {
        json!({"type": "string", "pattern": r"^-?[0-9]{1,18}(\.[0-9]{1,8})?$"})
    }
}

impl Scalar for Price {
    const CODE: RefusalCode = RefusalCode::Money;
    const EXPECTED: &'static str = "an amount of zero or more as a JSON string of plain decimal digits (at most 18, and 8 after the point)";

    fn parse(text: &str) -> Result<Self, &'static str> {
        if text.starts_with('-') {
            return Err("it is below zero");
        }
        decimal(text).map(Self)
    }

    fn schema() -> Value {
        json!({"type": "string", "pattern": r"^[0-9]{1,18}(\.[0-9]{1,8})?$"})
    }
}

impl Scalar for CurrencyCode {
    const CODE: RefusalCode = RefusalCode::Currency;
    const EXPECTED: &'static str = "an ISO 4217 currency code in use";

    fn parse(text: &str) -> Result<Self, &'static str> {
        text.parse().map(Self).map_err(|_| "it is not one")
    }

    fn schema() -> Value {
        json!({"type": "string", "enum": *CODES})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_plain_digits() {
        for (text, value) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("-0.42", "-0.42"),
            ("387.80", "387.80"),
            ("999999999999999999.12345678", "999999999999999999.12345678"),
        ] {
            assert_eq!(
                Amount::parse(text).map(|amount| amount.0.to_string()),
                Ok(value.to_owned())
            );
        }
        for text in [
            "",
            "-",
            "+1",
            "1e3",
            "1E3",
            "NaN",
            "Infinity",
            "1.",
            ".5",
            "1,5",
            "1_000",
            " 1",
            "0x1",
            "--1",
            "1.2.3",
            "٣",
            "1234567890123456789",
            "0.123456789",
        ] {
            assert!(Amount::parse(text).is_err(), "{text}");
        }
        assert!(Price::parse("-1").is_err());
        assert!(Price::parse("0.00").is_ok());
    }

    #[test]
    fn money_is_written_with_the_decimals_of_its_currency_at_least() {
        for (amount, currency, text) in [
            ("51", "CNY", "51.00"),
            ("51.10", "CNY", "51.10"),
            ("0.12345", "CNY", "0.12345"),
            ("51.00", "JPY", "51"),
            ("1.5", "KWD", "1.500"),
            ("-0.4", "CNY", "-0.40"),
        ] {
            let amount = amount.parse().expect("decimal");
            let currency = currency.parse().expect("code");
            assert_eq!(money_text(Money { amount, currency }), text);
        }
    }

    #[test]
    fn the_schema_lists_every_currency_in_use() {
        let schema = CurrencyCode::schema();
        let codes = schema["enum"].as_array().expect("a list");
        assert!(
            codes.len() > 150 && codes.contains(&json!("CNY")) && !codes.contains(&json!("XXX"))
        );
    }
}
