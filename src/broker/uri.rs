//! The broker's address out of the settings, and what may not be connected to. Opens nothing.
//!
//! No error of this file repeats the URI: it holds a password.

use core::net::IpAddr;

use lapin::uri::{AMQPScheme, AMQPUri};
use secrecy::ExposeSecret;

use super::settings::{BrokerSettings, SettingsProblem};

/// A URI that was checked.
pub(crate) struct Address {
    /// What lapin is given.
    pub(crate) uri: AMQPUri,
    /// Host, port and virtual host, for people.
    pub(crate) shown: String,
}

/// Reads and checks `broker.uri`.
pub(crate) fn address(settings: &BrokerSettings) -> Result<Address, SettingsProblem> {
    let problem = |text: &str| SettingsProblem { key: "uri".to_owned(), problem: text.to_owned() };
    let raw = settings.uri.expose_secret();
    let mut uri: AMQPUri = raw.parse().map_err(|_: String| {
        problem(
            "not an AMQP URI: amqps://user:password@host:5671/vhost, with every special character of the password \
             percent-encoded",
        )
    })?;
    // lapin reads an IPv6 literal as no host at all, and would go to localhost.
    if raw.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?']).next().unwrap_or(rest);
        authority.rsplit('@').next().unwrap_or(authority).starts_with('[')
    }) {
        return Err(problem("IPv6 literals are not supported: give a name that resolves to it"));
    }
    // `amqp://host/` means the empty virtual host to the letter; nobody means that.
    if uri.vhost.is_empty() {
        "/".clone_into(&mut uri.vhost);
    }
    if uri.scheme == AMQPScheme::AMQP
        && !settings.allow_plaintext
        && !is_loopback(&uri.authority.host)
    {
        return Err(problem(
            "plain amqp:// to another machine shows the password and every event to the network: use amqps://, or set \
             broker.allow_plaintext = true where the network is private",
        ));
    }
    uri.query.heartbeat = Some(settings.link.heartbeat_secs);
    uri.query.connection_timeout = Some(settings.link.connect_timeout_ms);
    let shown = format!("{}:{}, vhost {}", uri.authority.host, uri.authority.port, uri.vhost);
    Ok(Address { uri, shown })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(uri: &str) -> BrokerSettings {
        BrokerSettings { uri: uri.into(), ..BrokerSettings::default() }
    }

    fn refusal(uri: &str) -> String {
        address(&settings(uri)).err().expect("refused").problem
    }

    #[test]
    fn plain_amqp_to_another_machine_needs_a_yes() {
        assert!(refusal("amqp://u:p@rabbit.example.com").contains("allow_plaintext"));
        let mut allowed = settings("amqp://u:p@rabbit.example.com");
        allowed.allow_plaintext = true;
        assert!(address(&allowed).is_ok());
        for uri in ["amqps://u:p@rabbit.example.com", "amqp://127.0.0.1", "amqp://localhost:5673"] {
            assert!(address(&settings(uri)).is_ok(), "{uri}");
        }
        assert!(refusal("amqp://localhost.example.com").contains("amqps"));
    }

    #[test]
    fn a_refused_uri_is_not_repeated() {
        for uri in
            ["amqp://user:hunter2@[::1]:5672", "http://user:hunter2@x", "hunter2", "amqp:hunter2"]
        {
            let refused = refusal(uri);
            assert!(!refused.contains("hunter2") && !refused.contains("user:h"), "{refused}");
        }
    }

    #[test]
    fn an_ipv6_literal_does_not_become_localhost() {
        assert!(refusal("amqps://u:p@[2001:db8::1]:5671/x").contains("IPv6"));
    }

    #[test]
    fn the_root_path_is_the_default_virtual_host_and_the_limits_are_in_the_uri() {
        let address = address(&settings("amqp://u:p@127.0.0.1:5673/")).expect("good");
        assert_eq!(address.uri.vhost, "/");
        assert_eq!(address.uri.query.heartbeat, Some(10));
        assert_eq!(address.uri.query.connection_timeout, Some(5_000));
        assert_eq!(address.shown, "127.0.0.1:5673, vhost /");
    }
}
