//! `dunlin healthcheck`: asks a running dunlin whether it is well. For images that have no shell and no curl.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, StatusCode, redirect};

/// Why the answer is not "well".
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Nobody answered in time, or not in HTTP.
    #[error("{url} does not answer: {cause}")]
    NoAnswer {
        /// What was asked.
        url: String,
        /// What the network said.
        cause: String,
    },
    /// It answered that it is not well.
    #[error("{url} answered {status}")]
    Unwell {
        /// What was asked.
        url: String,
        /// Its answer.
        status: StatusCode,
    },
}

/// Where a dunlin with this `http.bind` is asked from the same machine.
pub fn local_url(bind: SocketAddr) -> String {
    let mut reachable = bind;
    // "Any address" is where a server listens, not where it is reached.
    match bind {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
            reachable.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            reachable.set_ip(std::net::Ipv6Addr::LOCALHOST.into());
        }
        _ => {}
    }
    format!("http://{reachable}/healthz")
}

/// Asks `url` once. Follows no redirect and no proxy: it is meant for the same machine. Needs a TLS provider to be
/// installed, as the client refuses to be built without one.
///
/// # Errors
/// Anything but a 2xx within `timeout`.
pub async fn probe(url: &str, timeout: Duration) -> Result<(), ProbeError> {
    let no_answer = |error: reqwest::Error| ProbeError::NoAnswer {
        url: url.to_owned(),
        cause: innermost(&error),
    };
    let client = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .timeout(timeout)
        .build()
        .map_err(no_answer)?;
    let status = client.get(url).send().await.map_err(no_answer)?.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(ProbeError::Unwell { url: url.to_owned(), status })
    }
}

/// reqwest's own text says only that sending failed; the cause lies at the end of the chain.
fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_any_address_is_asked_on_loopback() {
        let url = |bind: &str| local_url(bind.parse().expect("an address"));
        assert_eq!(url("0.0.0.0:9464"), "http://127.0.0.1:9464/healthz");
        assert_eq!(url("[::]:9464"), "http://[::1]:9464/healthz");
        assert_eq!(url("10.0.0.7:80"), "http://10.0.0.7:80/healthz");
    }
}
