//! The SMS channel over any HTTP gateway: one request, one verdict.
//!
//! Knows no vendor: method, headers, body and how to read the answer are settings. Follows no redirect, uses no
//! proxy of the environment, and never tries twice.

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Request, Response, Url};
use secrecy::ExposeSecret;

use super::failed;
use super::settings::{BodyKind, HttpMethod, HttpSmsSettings, SmsSettingsError};
use super::template::{JsonPattern, PairsPattern, Pattern, Slot, Values, percent};
use super::verdict::{judge, retry_after};
use crate::dispatch::message::{Fault, Outcome, SmsBody, SmsChannel, SmsMessage};

/// Texts by HTTP.
pub struct HttpSms {
    client: Client,
    settings: HttpSmsSettings,
    url: Pattern,
    body: Body,
    headers: HeaderMap,
    idempotency: Option<HeaderName>,
}

enum Body {
    Json(JsonPattern),
    Form(PairsPattern),
    Query(PairsPattern),
}

impl Body {
    fn uses(&self, slot: Slot) -> bool {
        match self {
            Self::Json(pattern) => pattern.uses(slot),
            Self::Form(pattern) | Self::Query(pattern) => pattern.uses(slot),
        }
    }
}

impl HttpSms {
    /// Checks the settings; connects to nothing yet. Needs the process's rustls provider to be installed.
    ///
    /// # Errors
    /// The key that cannot work.
    pub fn new(settings: &HttpSmsSettings) -> Result<Self, SmsSettingsError> {
        let wrong = SmsSettingsError::new;
        let url = Pattern::parse(&settings.url).map_err(|problem| wrong("http.url", problem))?;
        let bad_body = |problem| wrong("http.body", problem);
        let body = match settings.body_kind {
            BodyKind::Json => Body::Json(JsonPattern::parse(&settings.body).map_err(bad_body)?),
            BodyKind::Form => Body::Form(PairsPattern::parse(&settings.body).map_err(bad_body)?),
            BodyKind::Query => Body::Query(PairsPattern::parse(&settings.body).map_err(bad_body)?),
        };
        if settings.method == HttpMethod::Get && settings.body_kind != BodyKind::Query {
            return Err(wrong("http.body_kind", "GET takes its values in the query".to_owned()));
        }
        if settings.success_statuses.is_empty() {
            return Err(wrong("http.success_statuses", "must not be empty".to_owned()));
        }
        if settings.result_pointer.is_some() && settings.accepted_values.is_empty() {
            return Err(wrong(
                "http.accepted_values",
                "missing, though a pointer is set".to_owned(),
            ));
        }
        check_url(settings)?;
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(settings.connect_secs))
            .timeout(Duration::from_secs(settings.request_secs))
            .pool_idle_timeout(Duration::from_secs(settings.idle_secs))
            .user_agent("dunlin")
            .build()
            .map_err(|error| wrong("http", error.to_string()))?;
        let name = |name: &String| HeaderName::try_from(name.as_str());
        let idempotency = settings.idempotency_header.as_ref().map(name).transpose();
        Ok(Self {
            client,
            settings: settings.clone(),
            url,
            body,
            headers: headers(settings)?,
            idempotency: idempotency
                .map_err(|_| wrong("http.idempotency_header", "not a header name".to_owned()))?,
        })
    }

    /// Writes the request, or says why this message has none.
    fn request(&self, message: &SmsMessage) -> Result<Request, Outcome> {
        let uses = |slot| self.url.uses(slot) || self.body.uses(slot);
        let refused = |reason: &str| Err(failed(Fault::Message, reason));
        match &message.body {
            SmsBody::FreeText(_) if !uses(Slot::Text) => {
                return refused("the gateway takes registered templates, not free text");
            }
            SmsBody::Registered { .. } if !uses(Slot::Template) => {
                return refused("the gateway takes free text, not registered templates");
            }
            _ => {}
        }
        let values = Values::new(message, self.settings.params);
        let mut url = self.url.fill(&values, percent);
        let mut content = None;
        match &self.body {
            Body::Json(pattern) => {
                content = Some(("application/json", pattern.fill(&values).to_string()));
            }
            Body::Form(pattern) => {
                content = Some(("application/x-www-form-urlencoded", pattern.fill(&values)));
            }
            Body::Query(pattern) => {
                url.push(if url.contains('?') { '&' } else { '?' });
                url.push_str(&pattern.fill(&values));
            }
        }
        let url =
            Url::parse(&url).map_err(|_| failed(Fault::Relay, "sms.http.url makes no URL"))?;
        let method = match self.settings.method {
            HttpMethod::Post => Method::POST,
            HttpMethod::Put => Method::PUT,
            HttpMethod::Get => Method::GET,
        };
        let mut request = Request::new(method, url);
        let headers = request.headers_mut();
        if let Some((kind, text)) = content {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            *request.body_mut() = Some(text.into());
        }
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        if let Some(name) = &self.idempotency {
            let id = HeaderValue::try_from(message.id.as_str());
            let id = id.map_err(|_| failed(Fault::Message, "the delivery's id fits no header"))?;
            headers.insert(name.clone(), id);
        }
        Ok(request)
    }

    async fn try_once(&self, message: &SmsMessage) -> Outcome {
        let request = match self.request(message) {
            Ok(request) => request,
            Err(outcome) => return outcome,
        };
        let response = match self.client.execute(request).await {
            Ok(response) => response,
            // Nothing was written: there was no connection to write to.
            Err(error) if error.is_connect() || error.is_builder() => {
                return failed(Fault::Relay, "no connection to the SMS gateway");
            }
            Err(error) => {
                let what = if error.is_timeout() { "no answer in time" } else { "no answer" };
                let reason = format!("{what} after the request to the SMS gateway was begun");
                return Outcome::Unknown { reason };
            }
        };
        let status = response.status().as_u16();
        let wait = retry_after(response.headers());
        let body = self.read(response).await;
        judge(&self.settings, status, body.as_deref(), wait, &message.to)
    }

    /// The reply's body, if it arrives whole and within the limit.
    async fn read(&self, mut response: Response) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= self.settings.max_reply_bytes => {
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => return Some(body),
                Ok(Some(_)) | Err(_) => return None,
            }
        }
    }
}

/// `https`, or this machine, or said so.
fn check_url(settings: &HttpSmsSettings) -> Result<(), SmsSettingsError> {
    let wrong = |problem: &str| SmsSettingsError::new("http.url", problem);
    let base = settings.url.split(['?', '#']).next().unwrap_or_default();
    let url = Url::parse(&base.replace(['{', '}'], "")).map_err(|_| wrong("not a URL"))?;
    let authority = base.split('/').nth(2).unwrap_or_default();
    if authority.contains('{') {
        return Err(wrong("the host holds a placeholder"));
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback || settings.allow_plaintext => Ok(()),
        "http" => Err(wrong("plaintext to another machine (sms.http.allow_plaintext)")),
        _ => Err(wrong("neither http nor https")),
    }
}

fn headers(settings: &HttpSmsSettings) -> Result<HeaderMap, SmsSettingsError> {
    let wrong = |problem: String| SmsSettingsError::new("http.headers", problem);
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.headers {
        let header = HeaderName::try_from(name.as_str())
            .map_err(|_| wrong(format!("{name:?} is not a header name")))?;
        let mut value = HeaderValue::try_from(value.expose_secret())
            .map_err(|_| wrong(format!("the value of {name} fits no header")))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}

impl SmsChannel for HttpSms {
    fn send<'a>(&'a self, message: &'a SmsMessage) -> BoxFuture<'a, Outcome> {
        Box::pin(self.try_once(message))
    }

    fn name(&self) -> &'static str {
        "http"
    }

    /// Where a person said so: an id in the body alone is no promise to drop a second text with it.
    fn is_idempotent(&self) -> bool {
        self.idempotency.is_some()
    }
}

#[cfg(test)]
mod tests;
