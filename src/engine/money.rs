//! Money: an exact decimal with a currency. Never a float, never two currencies in one sum.
//!
//! Does not format for people; that is `render`'s.

use core::fmt;
use core::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// An ISO 4217 code of a currency that is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Codes by number of minor units (ISO 4217, list one, 2025-05). Funds and metals are left out: nobody is billed in them.
const CODES: [(u32, &str); 4] = [
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC \
         CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR \
         JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD \
         NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN \
         SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
    ),
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

impl Currency {
    /// Number of decimal places of the smallest amount that is paid.
    pub fn minor_units(self) -> u32 {
        CODES
            .iter()
            .find(|(_, codes)| codes.split(' ').any(|code| code == self.as_str()))
            .map_or(2, |(units, _)| *units)
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or("???")
    }
}

/// Not an ISO 4217 code of a currency in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownCurrency;

impl fmt::Display for UnknownCurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an ISO 4217 currency code in use")
    }
}

impl core::error::Error for UnknownCurrency {}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| UnknownCurrency)?;
        let known = CODES.iter().any(|(_, codes)| codes.split(' ').any(|code| code == text));
        if known { Ok(Self(code)) } else { Err(UnknownCurrency) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Code;
        impl serde::de::Visitor<'_> for Code {
            type Value = Currency;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ISO 4217 currency code")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Currency, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Code)
    }
}

/// An amount of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// The amount, exact.
    pub amount: Decimal,
    /// Its currency.
    pub currency: Currency,
}

impl Money {
    /// Rounds half up (away from zero) to the currency's minor unit: once, at the end of a sum (RET-7).
    pub fn rounded(self) -> Self {
        let units = self.currency.minor_units();
        let mut amount =
            self.amount.round_dp_with_strategy(units, RoundingStrategy::MidpointAwayFromZero);
        amount.rescale(units);
        Self { amount, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_currency_is_a_code_in_use() {
        for code in ["CNY", "USD", "JPY", "KWD"] {
            assert_eq!(code.parse::<Currency>().expect("in use").as_str(), code);
        }
        for code in ["", "CN", "cny", "XXX", "ABC", "CNYX", "D D"] {
            assert_eq!(code.parse::<Currency>(), Err(UnknownCurrency), "{code}");
        }
    }

    #[test]
    fn rounding_is_half_up_to_the_minor_unit_and_keeps_its_zeros() {
        for (amount, currency, expected) in [
            ("502.0980821917", "CNY", "502.10"),
            ("0.005", "CNY", "0.01"),
            ("387.8", "CNY", "387.80"),
            ("10.5", "JPY", "11"),
            ("1.0005", "KWD", "1.001"),
        ] {
            let money = Money {
                amount: amount.parse().expect("decimal"),
                currency: currency.parse().expect("code"),
            };
            assert_eq!(money.rounded().amount.to_string(), expected);
        }
    }
}
