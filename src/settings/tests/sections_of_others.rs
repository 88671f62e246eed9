//! The sections whose types other modules bring: their defaults, their checks, their secrets.

use super::*;

#[test]
fn the_defaults_of_other_modules_are_those_of_their_types() {
    let settings = load("", &[]).map_err(|e| e.join("\n")).expect("good").settings;
    assert_eq!(format!("{:?}", settings.email), format!("{:?}", EmailSettings::default()));
    assert_eq!(format!("{:?}", settings.sms), format!("{:?}", SmsSettings::default()));
    assert_eq!(settings.store.retention, crate::store::Retention::default());
    assert_eq!(settings.store.limits, crate::store::Limits::default());
    assert_eq!(settings.templates.limits, crate::render::Limits::default());
    assert_eq!(settings.for_worker(), worker::Settings::default());
}

#[test]
fn a_relay_without_tls_on_another_machine_needs_a_yes() {
    let file = "[email.smtp]\nhost = 'relay.example.com'\ntls = 'none'\n";
    let refused = refusals(file, &[]);
    assert!(refused[0].contains("email.smtp.allow_plaintext = true"), "{refused:?}");
    assert!(load(&format!("{file}allow_plaintext = true\n"), &[]).is_ok());
    assert!(load("[email.smtp]\nhost = '127.0.0.1'\ntls = 'none'\n", &[]).is_ok());
}

#[test]
fn what_the_channels_refuse_is_reported_at_its_key_with_its_origin() {
    let file = "[email]\nfrom_address = 'nobody'\n[sms]\nkind = 'email_gatewy'\n[email.smtp]\nmax_connections = 0\n";
    let mut refused = refusals(file, &[]);
    refused.sort();
    assert_eq!(
        refused,
        [
            "email.from_address: is not an e-mail address (FILE:2)",
            "email.smtp.max_connections: must be between 1 and 256, is 0 (FILE:6)",
            "sms.kind: expected one of none, file, email_gateway, http, found \"email_gatewy\" (FILE:4); \
             did you mean \"email_gateway\"?",
        ]
    );
    let refused =
        refusals("[sms]\nkind = 'email_gateway'\n[sms.email_gateway]\naddress = 'x@y.z'\n", &[]);
    assert_eq!(refused, ["sms.email_gateway.address: must hold {to} or {digits} (FILE:4)"]);
}

#[test]
fn show_hides_secrets_that_somebody_wrote_and_says_which_file_they_came_from() {
    let password = secret_file("hunter2");
    let file = format!(
        "[email.smtp]\nusername = 'dunlin'\npassword_file = '{}'\n[sms.http]\nurl = 'https://g/?key=hunter2'\n\
         [sms.http.headers]\nX-Key = 'hunter2'\n",
        password.path().display()
    );
    let shown = show(&load(&file, &[]).map_err(|e| e.join("\n")).expect("good"));
    assert!(!shown.contains("hunter2"), "{shown}");
    let line = |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap_or("");
    assert!(line("email.smtp.password = *** ").ends_with("dunlin.toml:3"), "{shown}");
    assert!(line("sms.http.headers.X-Key = *** ").ends_with("dunlin.toml:7"), "{shown}");
    assert!(line("sms.http.url = *** ").ends_with("dunlin.toml:5"), "{shown}");
}

/// The client of the HTTP gateway is not built without one; `main` installs it for the program.
fn install_tls_provider() {
    // An error means that another test was first.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

#[test]
fn the_example_files_are_good() {
    install_tls_provider();
    let secrets = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| fs::write(secrets.path().join(name), text).expect("written");
    write("dunlin-broker-uri", "amqps://dunlin:pw@rabbit.example.com:5671/%2f\n");
    write("dunlin-smtp-password", "pw\n");
    write("dunlin-sms-authorization", "Bearer pw\n");
    let folder = secrets.path().display().to_string();
    let production =
        include_str!("../../../config/production.example.toml").replace("/run/secrets", &folder);
    let production = load(&production, &[]).map_err(|e| e.join("\n")).expect("good").settings;
    assert!(production.broker.uri.expose_secret().starts_with("amqps://dunlin"));
    assert_eq!(production.sms.http.headers["Authorization"].expose_secret(), "Bearer pw");

    let local = include_str!("../../../config/local.toml");
    load(local, &[]).map_err(|e| e.join("\n")).expect("good");
    // As docker-compose.yml overrides it.
    let compose = [
        ("DUNLIN__BROKER__URI", "amqp://dunlin:dunlin@rabbitmq:5672/%2f"),
        ("DUNLIN__BROKER__ALLOW_PLAINTEXT", "true"),
        ("DUNLIN__EMAIL__SMTP__HOST", "mailhog"),
        ("DUNLIN__EMAIL__SMTP__ALLOW_PLAINTEXT", "true"),
        ("DUNLIN__HTTP__BIND", "0.0.0.0:9464"),
        ("DUNLIN__HTTP__ALLOW_REMOTE", "true"),
        ("DUNLIN__LOG__FORMAT", "text"),
    ];
    load(local, &compose).map_err(|e| e.join("\n")).expect("good");
    let yaml = include_str!("../../../docker-compose.yml");
    for (name, value) in compose {
        let plain = format!("      {name}: {value}\n");
        let quoted = format!("      {name}: \"{value}\"\n");
        assert!(
            yaml.contains(&plain) || yaml.contains(&quoted),
            "{name} is not in docker-compose.yml"
        );
    }
}

#[test]
fn what_the_broker_refuses_is_reported_at_its_key_without_the_password() {
    let file = "[broker]\nuri = 'amqp://dunlin:hunter2@rabbit.example.com'\n[broker.input]\nprefetch = 0\n\
                queues = [{ name = 'a', binding = '#' }, { name = 'a', binding = 'x' }]\n";
    let mut refused = refusals(file, &[]);
    refused.sort();
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(refused[0].starts_with("broker.input.prefetch: ") && refused[0].contains("(FILE:4)"));
    assert!(
        refused[1].starts_with("broker.input.queues[1].name: ") && refused[1].contains("(FILE:5)")
    );
    assert!(refused[2].starts_with("broker.uri: ") && refused[2].contains("(FILE:2)"));
    assert!(refused.iter().all(|line| !line.contains("hunter2")), "{refused:?}");
}

#[test]
fn the_defaults_of_the_broker_are_those_of_its_type() {
    let broker = load("", &[]).map_err(|e| e.join("\n")).expect("good").settings.broker;
    let of_type = BrokerSettings::default();
    assert_eq!(broker.uri.expose_secret(), of_type.uri.expose_secret());
    assert_eq!(format!("{broker:?}"), format!("{of_type:?}"));
}
