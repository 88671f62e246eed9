//! What is written down for a message.

use chrono::DateTime;

use super::*;

pub(in crate::dispatch) fn message() -> EmailMessage {
    EmailMessage {
        message_id: "v1.abc123@mail.example.com".to_owned(),
        to_name: Some("Li Lei".to_owned()),
        to_address: "li.lei@example.com".to_owned(),
        subject: "2 resources expire on 29 November".to_owned(),
        text: "Renew before 2026-11-29 00:00.\n\n.A line that starts with a dot\n".to_owned(),
        html: "<html><body><p>Renew before 2026-11-29 00:00.</p></body></html>\n".to_owned(),
        date: DateTime::from_timestamp(1_795_317_300, 0).unwrap(),
        language: "en".to_owned(),
        thread: Some("ep.42@mail.example.com".to_owned()),
        notice_id: "expiry-warning:1".to_owned(),
    }
}

fn settings() -> EmailSettings {
    EmailSettings {
        from_address: "billing@example.com".to_owned(),
        from_name: Some("Acme \"Cloud\", Billing".to_owned()),
        reply_to: Some("accounts@example.com".to_owned()),
        ..EmailSettings::default()
    }
}

fn encode(message: &EmailMessage) -> String {
    let encoded = Sender::new(&settings()).unwrap().encode(message).unwrap();
    String::from_utf8(encoded.bytes().to_vec()).unwrap()
}

/// The headers, unfolded, one a line.
fn headers(text: &str) -> Vec<String> {
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    head.replace("\r\n ", " ").split("\r\n").map(str::to_owned).collect()
}

#[test]
fn a_message_carries_every_header_that_a_notice_needs() {
    let text = encode(&message());
    let headers = headers(&text);
    for wanted in [
        "From: =?utf-8?b?QWNtZSAiQ2xvdWQiLCBCaWxsaW5n?= <billing@example.com>",
        "Reply-To: accounts@example.com",
        "To: \"Li Lei\" <li.lei@example.com>",
        "Subject: 2 resources expire on 29 November",
        "Date: Sun, 22 Nov 2026 03:15:00 +0000",
        "Message-ID: <v1.abc123@mail.example.com>",
        "In-Reply-To: <ep.42@mail.example.com>",
        "References: <ep.42@mail.example.com>",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "Content-Language: en",
        "X-Dunlin-Notice: expiry-warning:1",
        "MIME-Version: 1.0",
    ] {
        assert!(headers.iter().any(|line| line == wanted), "no {wanted:?} in {headers:#?}");
    }
    assert_eq!(headers.len(), 14, "{headers:#?}");
    let (plain, html) = (text.find("text/plain").unwrap(), text.find("text/html").unwrap());
    assert!(plain < html && text.contains("multipart/alternative"));
}

#[test]
fn the_same_message_is_the_same_bytes() {
    assert_eq!(encode(&message()), encode(&message()));
}

#[test]
fn a_message_without_html_is_plain_text_alone() {
    let text = encode(&EmailMessage { html: String::new(), ..message() });
    assert!(text.contains("Content-Type: text/plain; charset=utf-8"));
    assert!(!text.contains("multipart"));
}

#[test]
fn no_line_break_in_any_field_starts_a_header() {
    let evil = "x\r\nBcc: everybody@example.com\r\n\r\nbody\nX-Evil: 1\rX-Evil: 2";
    let hostile = EmailMessage {
        to_name: Some(evil.to_owned()),
        subject: evil.to_owned(),
        language: evil.to_owned(),
        notice_id: evil.to_owned(),
        ..message()
    };
    let names: Vec<_> = headers(&encode(&hostile))
        .iter()
        .map(|line| line.split(':').next().unwrap().to_owned())
        .collect();
    let clean: Vec<_> = headers(&encode(&message()))
        .iter()
        .map(|line| line.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(names, clean);
    let from = EmailSettings { from_name: Some(evil.to_owned()), ..settings() };
    let encoded = Sender::new(&from).unwrap().encode(&message()).unwrap();
    let text = String::from_utf8(encoded.bytes).unwrap();
    assert!(!text.contains("\r\nBcc") && !text.contains("\nX-Evil"), "{text}");
}

#[test]
fn an_address_or_an_id_with_a_line_break_is_refused() {
    let sender = Sender::new(&settings()).unwrap();
    for address in [
        "a@example.com\r\nRCPT TO:<b@example.com>",
        "a\r\n@example.com",
        "a b@example.com",
        "<a@example.com>",
        "a@b@example.com",
        "a@exa mple.com",
        "a@",
        "@example.com",
        "nobody",
        "",
    ] {
        let refused = sender.encode(&EmailMessage { to_address: address.to_owned(), ..message() });
        assert_eq!(refused.err(), Some(Unencodable::Recipient), "{address:?}");
    }
    for id in ["a@b\r\nBcc: c@d", "<a@b>", "a b@c", "a@b@c", "", "ä@b"] {
        let message_id = EmailMessage { message_id: id.to_owned(), ..message() };
        assert!(sender.encode(&message_id).is_err(), "{id:?}");
        let thread = EmailMessage { thread: Some(id.to_owned()), ..message() };
        assert!(sender.encode(&thread).is_err(), "{id:?}");
    }
}

#[test]
fn a_domain_in_any_script_travels_as_ascii_and_a_mailbox_outside_ascii_is_refused() {
    let sender = Sender::new(&settings()).unwrap();
    let idn = EmailMessage { to_address: "li@例子.测试".to_owned(), ..message() };
    assert_eq!(sender.encode(&idn).unwrap().to().to_string(), "li@xn--fsqu00a.xn--0zwm56d");
    let local = EmailMessage { to_address: "李雷@example.com".to_owned(), ..message() };
    assert_eq!(sender.encode(&local).err(), Some(Unencodable::Recipient));
}

#[test]
fn every_script_is_written_in_ascii_with_short_lines() {
    let text = encode(&EmailMessage {
        to_name: Some("李雷".to_owned()),
        subject: "资源将于 11 月 29 日到期 ".repeat(8),
        text: "请在到期前续费。".repeat(200),
        html: format!("<p>{}</p>", "続".repeat(3000)),
        ..message()
    });
    assert!(text.is_ascii());
    assert!(text.split("\r\n").all(|line| line.len() <= 998), "a line is too long");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "a bare line break");
}

#[test]
fn a_message_over_the_limit_is_refused_with_both_sizes() {
    let small = EmailSettings { max_message_bytes: 500, ..settings() };
    let refused = Sender::new(&small).unwrap().encode(&message()).err();
    assert!(matches!(refused, Some(Unencodable::TooLarge { limit: 500, .. })), "{refused:?}");
}

#[test]
fn a_sender_that_is_no_address_is_refused_with_its_key() {
    let bad = EmailSettings { reply_to: Some("a@b\r\nc".to_owned()), ..settings() };
    let refused = Sender::new(&bad).err().unwrap().to_string();
    assert_eq!(refused, "email.reply_to is not an e-mail address");
}
