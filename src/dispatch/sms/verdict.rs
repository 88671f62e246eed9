//! What a gateway's answer means for the text: three outcomes, by settings, and in doubt unknown.
//!
//! A 5xx that nobody declared retryable may come after the text left: it is unknown, never resent blindly.

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::settings::HttpSmsSettings;
use crate::dispatch::email::clean;
use crate::dispatch::message::{Fault, Outcome};

/// Judges a complete or a cut-off (`body` is none) answer.
pub(super) fn judge(
    settings: &HttpSmsSettings,
    status: u16,
    body: Option<&[u8]>,
    retry_after_secs: Option<u64>,
    to: &str,
) -> Outcome {
    // The end of the number, as it is the same in every notation.
    let tail = to.get(to.len().saturating_sub(8)..).unwrap_or(to);
    let document: Option<Value> = body.and_then(|body| serde_json::from_slice(body).ok());
    let at = |pointer: &Option<String>| {
        let value = document.as_ref()?.pointer(pointer.as_deref()?)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let result = at(&settings.result_pointer);
    let words = match &result {
        Some(result) => format!("HTTP {status}: {}", clean(result, tail)),
        None => format!("HTTP {status}"),
    };
    let failed = |fault| Outcome::Failed { fault, reason: words.clone(), retry_after_secs };
    let is_in = |values: &[String]| result.as_ref().is_some_and(|result| values.contains(result));
    if is_in(&settings.recipient_values) || settings.recipient_statuses.contains(&status) {
        return failed(Fault::RecipientPermanent);
    }
    if is_in(&settings.retryable_values) {
        return failed(Fault::RecipientTransient);
    }
    if settings.success_statuses.contains(&status) {
        let taken = settings.result_pointer.is_none() || is_in(&settings.accepted_values);
        return match (taken, &result) {
            (true, _) => {
                let id = at(&settings.receipt_pointer).map(|id| clean(&id, tail));
                Outcome::Sent {
                    receipt: format!("{status} {}", id.unwrap_or_default()).trim_end().to_owned(),
                }
            }
            // The gateway refused in words that no setting knows: nobody's text may be going out.
            (false, Some(_)) => failed(Fault::Relay),
            (false, None) => Outcome::Unknown { reason: format!("{words}: no readable result") },
        };
    }
    if settings.retryable_statuses.contains(&status) {
        return failed(Fault::Relay);
    }
    match status {
        // Wrong URL, login or method; or the gateway got no whole request: true of every text.
        300..=399 | 401..=408 | 429 => failed(Fault::Relay),
        // The first request with this idempotency key is still under way.
        409 => Outcome::Unknown { reason: words },
        400..=499 => failed(Fault::Message),
        _ => Outcome::Unknown { reason: words },
    }
}

/// `Retry-After` in seconds; a date counts from the reply's own `Date`.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(secs) = text.parse() {
        return Some(secs);
    }
    let then = DateTime::parse_from_rfc2822(text).ok()?;
    let now = DateTime::parse_from_rfc2822(headers.get(DATE)?.to_str().ok()?).ok()?;
    u64::try_from(then.signed_duration_since(now).num_seconds()).ok()
}
