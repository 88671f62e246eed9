//! The e-mail channel against servers that are not ours: aiosmtpd and smtp-sink.

use std::sync::Arc;

use chrono::DateTime;
use dunlin::dispatch::email::{EmailSettings, FileEmail, Sender, SmtpEmail, TlsMode};
use dunlin::dispatch::message::{
    EmailChannel, EmailMessage, Fault, Outcome, SmsBody, SmsChannel, SmsMessage,
};
use dunlin::dispatch::sms::{EmailGatewaySettings, EmailGatewaySms};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::smtp::{Aiosmtpd, Sink, certificate};

fn message() -> EmailMessage {
    EmailMessage {
        message_id: "v1.abc123@mail.example.com".to_owned(),
        to_name: Some("李雷, \"Lei\"".to_owned()),
        to_address: "li.lei@example.com".to_owned(),
        subject: "两台实例将于 2026-11-29 00:00 (UTC+8) 到期，请及时续费，以免停机和数据被释放"
            .to_owned(),
        text: "Renew before 2026-11-29.\n\n.a line with a dot\n..two\n.\n续费\n".to_owned(),
        html: format!("<html><body><p>续费 &amp; {}</p></body></html>\n", "x".repeat(3000)),
        date: DateTime::from_timestamp(1_795_317_300, 0).expect("a date"),
        language: "zh-CN".to_owned(),
        thread: Some("ep.42@mail.example.com".to_owned()),
        notice_id: "expiry-warning:1".to_owned(),
    }
}

fn settings(port: u16) -> EmailSettings {
    let mut settings = EmailSettings {
        from_address: "billing@example.com".to_owned(),
        from_name: Some("Acme Billing".to_owned()),
        reply_to: Some("accounts@example.com".to_owned()),
        envelope_from: Some("bounces@example.com".to_owned()),
        ..EmailSettings::default()
    };
    settings.smtp.host = "127.0.0.1".to_owned();
    settings.smtp.port = port;
    settings.smtp.tls = TlsMode::None;
    settings
}

async fn send(settings: &EmailSettings) -> Outcome {
    SmtpEmail::new(settings).expect("the settings work").send(&message()).await
}

fn assert_sent(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Sent { .. }), "{outcome:?}");
}

fn fault(outcome: &Outcome) -> Fault {
    match outcome {
        Outcome::Failed { fault, .. } => *fault,
        other => panic!("{other:?}"),
    }
}

/// Standard base64, as Python prints it.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let three = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let word = three.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        for place in 0..4 {
            let digit = usize::try_from(word >> (18 - 6 * place) & 63).expect("six bits");
            out.push(if place > chunk.len() { '=' } else { char::from(DIGITS[digit]) });
        }
    }
    out
}

#[tokio::test]
async fn a_foreign_reader_finds_every_header_and_both_parts_as_they_were_written() {
    let mut server = Aiosmtpd::start(&[]);
    let settings = settings(server.port);
    let outcome = send(&settings).await;
    assert_eq!(outcome, Outcome::Sent { receipt: "250 2.0.0 taken".to_owned() });

    let seen = server.message();
    let encoded = Sender::new(&settings).expect("a sender").encode(&message()).expect("encodes");
    assert_eq!(seen["bytes"], base64(encoded.bytes()), "changed on the way");
    assert_eq!(seen["from"], "bounces@example.com");
    assert_eq!(seen["to"], json!(["li.lei@example.com"]));
    assert_eq!(seen["defects"], json!([]));
    assert_eq!(seen["type"], "multipart/alternative");
    let headers = &seen["headers"];
    for (name, value) in [
        ("From", "Acme Billing <billing@example.com>"),
        ("Reply-To", "accounts@example.com"),
        ("To", "\"李雷, \\\"Lei\\\"\" <li.lei@example.com>"),
        ("Subject", message().subject.as_str()),
        ("Date", "Sun, 22 Nov 2026 03:15:00 +0000"),
        ("Message-ID", "<v1.abc123@mail.example.com>"),
        ("References", "<ep.42@mail.example.com>"),
        ("In-Reply-To", "<ep.42@mail.example.com>"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("Content-Language", "zh-CN"),
        ("X-Dunlin-Notice", "expiry-warning:1"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let text = |part: &Value| part[1].as_str().map(|text| text.replace("\r\n", "\n"));
    assert_eq!(seen["parts"][0][0], "text/plain");
    assert_eq!(text(&seen["parts"][0]), Some(message().text));
    assert_eq!(seen["parts"][1][0], "text/html");
    assert_eq!(text(&seen["parts"][1]), Some(message().html));
}

#[tokio::test]
async fn the_file_of_embedded_mode_is_the_message_that_a_relay_gets() {
    let mut server = Aiosmtpd::start(&[]);
    let settings = settings(server.port);
    assert_sent(&send(&settings).await);
    let folder = tempfile::tempdir().expect("a folder");
    let file = FileEmail::new(folder.path(), &settings).expect("the settings work");
    assert_sent(&file.send(&message()).await);
    let bytes = std::fs::read(file.path(&message())).expect("written");
    assert_eq!(server.message()["bytes"], base64(&bytes));
}

#[tokio::test]
async fn a_text_goes_out_as_plain_mail_to_the_number() {
    let mut server = Aiosmtpd::start(&[]);
    let settings = settings(server.port);
    let email = Arc::new(SmtpEmail::new(&settings).expect("the settings work"));
    let gateway =
        EmailGatewaySettings { address: "{to}@sms.test".to_owned(), subject: String::new() };
    let sms = EmailGatewaySms::new(&gateway, email, &settings).expect("the settings work");
    let text = SmsMessage {
        id: "d-1".to_owned(),
        to: "+8613800000000".to_owned(),
        body: SmsBody::FreeText("实例 ins-1 将到期".to_owned()),
        language: "zh-CN".to_owned(),
        date: message().date,
        notice_id: "n-1".to_owned(),
    };
    assert_sent(&sms.send(&text).await);
    let seen = server.message();
    assert_eq!(seen["to"], json!(["+8613800000000@sms.test"]));
    assert_eq!(seen["type"], "text/plain");
    assert_eq!(seen["parts"][0][1].as_str().map(str::trim_end), Some("实例 ins-1 将到期"));
}

#[tokio::test]
async fn tls_needs_a_certificate_that_is_trusted_and_names_the_relay() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cert, key) = certificate(folder.path());
    let files = ["--cert", cert.to_str().expect("utf-8"), "--key", key.to_str().expect("utf-8")];
    for (mode, tls) in [("--starttls", TlsMode::Starttls), ("--implicit", TlsMode::Implicit)] {
        let mut server = Aiosmtpd::start(&[&[mode], &files[..]].concat());
        let mut settings = settings(server.port);
        settings.smtp.tls = tls;
        settings.smtp.host = "localhost".to_owned();
        let untrusted = send(&settings).await;
        assert_eq!(fault(&untrusted), Fault::Relay, "{untrusted:?}");
        assert!(format!("{untrusted:?}").contains("UnknownIssuer"), "{untrusted:?}");

        settings.smtp.ca_file = Some(cert.clone());
        assert_sent(&send(&settings).await);
        assert_eq!(server.message()["tls"], true);

        settings.smtp.host = "127.0.0.1".to_owned();
        let misnamed = send(&settings).await;
        assert_eq!(fault(&misnamed), Fault::Relay, "{misnamed:?}");
        assert!(format!("{misnamed:?}").contains("not valid for name"), "{misnamed:?}");
    }
}

#[tokio::test]
async fn a_relay_without_starttls_gets_no_mail_when_it_is_required() {
    let server = Aiosmtpd::start(&[]);
    let mut settings = settings(server.port);
    settings.smtp.tls = TlsMode::Starttls;
    let outcome = send(&settings).await;
    assert_eq!(fault(&outcome), Fault::Relay);
    assert!(format!("{outcome:?}").contains("does not offer STARTTLS"), "{outcome:?}");
}

#[tokio::test]
async fn a_login_works_by_either_mechanism_and_a_wrong_one_is_the_relays_fault() {
    for without in ["PLAIN", "LOGIN"] {
        let args = ["--login", "dunlin:pass word", "--without", without];
        let mut server = Aiosmtpd::start(&args);
        let mut settings = settings(server.port);
        settings.smtp.username = Some("dunlin".to_owned());
        settings.smtp.password = Some("pass word".into());
        assert_sent(&send(&settings).await);
        assert_eq!(server.message()["login"], "dunlin");
        settings.smtp.password = Some("wrong".into());
        let outcome = send(&settings).await;
        assert_eq!(fault(&outcome), Fault::Relay, "{outcome:?}");
    }
}

#[tokio::test]
async fn many_messages_at_once_share_a_few_connections() {
    for options in [&[][..], &["-p"]] {
        // -p: without PIPELINING.
        let sink = Sink::start(options);
        let mut settings = settings(sink.port);
        settings.smtp.max_connections = 4;
        settings.smtp.max_messages_per_connection = 20;
        let channel = SmtpEmail::new(&settings).expect("the settings work");
        let text = message();
        for outcome in join_all((0..300).map(|_| channel.send(&text))).await {
            assert_sent(&outcome);
        }
        channel.close().await;
    }
}

#[tokio::test]
async fn what_smtp_sink_refuses_has_the_outcome_of_its_phase() {
    let cases: [(&[&str], Option<Fault>); 8] = [
        (&["-f", "mail"], Some(Fault::Relay)),
        (&["-f", "rcpt"], Some(Fault::RecipientPermanent)),
        (&["-r", "rcpt"], Some(Fault::RecipientTransient)),
        (&["-r", "data"], Some(Fault::RecipientTransient)),
        (&["-f", "."], Some(Fault::RecipientPermanent)),
        (&["-r", "."], Some(Fault::RecipientTransient)),
        (&["-q", "data"], Some(Fault::Relay)),
        (&["-q", "."], None),
    ];
    for (options, wanted) in cases {
        for more in [&[][..], &["-p"]] {
            let sink = Sink::start(&[options, more].concat());
            let outcome = send(&settings(sink.port)).await;
            match wanted {
                Some(wanted) => assert_eq!(fault(&outcome), wanted, "{options:?} {outcome:?}"),
                None => assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}"),
            }
        }
    }
}
