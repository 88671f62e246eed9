//! Against a gateway that answers whatever it is told.

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use wiremock::matchers::{body_json, body_string, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::template::tests::{registered, sms};
use super::*;

fn channel(settings: HttpSmsSettings) -> HttpSms {
    // Another test may have installed it first.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    HttpSms::new(&settings).unwrap()
}

fn settings(url: String) -> HttpSmsSettings {
    HttpSmsSettings {
        url,
        result_pointer: Some("/code".to_owned()),
        accepted_values: vec!["OK".to_owned(), "0".to_owned()],
        recipient_values: vec!["BAD_NUMBER".to_owned()],
        retryable_values: vec!["LIMIT".to_owned()],
        receipt_pointer: Some("/sid".to_owned()),
        ..HttpSmsSettings::default()
    }
}

async fn answer(response: ResponseTemplate) -> Outcome {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(response).expect(1).mount(&server).await;
    channel(settings(server.uri())).send(&sms("Renew")).await
}

fn fault(outcome: &Outcome) -> Option<Fault> {
    match outcome {
        Outcome::Failed { fault, .. } => Some(*fault),
        _ => None,
    }
}

#[tokio::test]
async fn a_json_gateway_gets_the_text_the_secret_header_and_the_key() {
    let server = MockServer::start().await;
    let wanted = json!({"to": "+8613800000000", "text": "Say \"hi\"", "id": "sms-1"});
    Mock::given(method("POST"))
        .and(path("/v1/send"))
        .and(header("authorization", "Bearer s3cret"))
        .and(header("idempotency-key", "sms-1"))
        .and(header("content-type", "application/json"))
        .and(body_json(wanted))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"code": 0, "sid": "SM1"})))
        .expect(2)
        .mount(&server)
        .await;
    let mut settings = settings(format!("{}/v1/send", server.uri()));
    settings.headers.insert("Authorization".to_owned(), "Bearer s3cret".into());
    settings.idempotency_header = Some("Idempotency-Key".to_owned());
    let channel = channel(settings);
    for _ in 0..2 {
        let outcome = channel.send(&sms("Say \"hi\"")).await;
        assert_eq!(outcome, Outcome::Sent { receipt: "200 SM1".to_owned() });
    }
    assert!(channel.is_idempotent());
}

#[tokio::test]
async fn a_form_gateway_and_a_query_gateway_get_their_pairs() {
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string("t=T%201&p=%5B%2212%5C%22%22%2C%22%26%22%5D"))
        .respond_with(ResponseTemplate::new(201))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/+8613800000000"))
        .and(query_param("text", "a&b=c é"))
        .and(query_param("k", "1"))
        .respond_with(ResponseTemplate::new(202))
        .expect(1)
        .mount(&server)
        .await;
    let form = HttpSmsSettings {
        url: server.uri(),
        method: HttpMethod::Put,
        body_kind: BodyKind::Form,
        body: "t={template}&p={params}".to_owned(),
        params: super::super::settings::ParamsShape::List,
        ..HttpSmsSettings::default()
    };
    let query = HttpSmsSettings {
        url: format!("{}/%2B{{digits}}?k=1", server.uri()).replace("%2B", "+"),
        method: HttpMethod::Get,
        body_kind: BodyKind::Query,
        body: "text={text}".to_owned(),
        ..HttpSmsSettings::default()
    };
    let sent = |status: &str| Outcome::Sent { receipt: status.to_owned() };
    let form = channel(form);
    assert_eq!(form.send(&registered()).await, sent("201"));
    assert_eq!(fault(&form.send(&sms("free text")).await), Some(Fault::Message));
    let query = channel(query);
    assert_eq!(query.send(&sms("a&b=c é")).await, sent("202"));
    assert_eq!(fault(&query.send(&registered()).await), Some(Fault::Message));
    assert!(!query.is_idempotent());
}

#[tokio::test]
async fn every_answer_has_its_outcome() {
    let ok = json!({"code": "OK"});
    for (status, code, wanted) in [
        (200, "BAD_NUMBER", Some(Fault::RecipientPermanent)),
        (400, "BAD_NUMBER", Some(Fault::RecipientPermanent)),
        (200, "LIMIT", Some(Fault::RecipientTransient)),
        (200, "INSUFFICIENT_BALANCE", Some(Fault::Relay)),
        (401, "OK", Some(Fault::Relay)),
        (302, "OK", Some(Fault::Relay)),
        (404, "OK", Some(Fault::Relay)),
        (429, "OK", Some(Fault::Relay)),
        (503, "OK", Some(Fault::Relay)),
        (400, "OK", Some(Fault::Message)),
        (413, "OK", Some(Fault::Message)),
        (500, "OK", None),
        (502, "OK", None),
        (504, "OK", None),
        (409, "OK", None),
        (206, "OK", None),
    ] {
        let body = json!({"code": code});
        let outcome = answer(ResponseTemplate::new(status).set_body_json(body)).await;
        assert_eq!(fault(&outcome), wanted, "{status} {code}: {outcome:?}");
        assert!(!matches!(outcome, Outcome::Sent { .. }), "{status} {code}");
    }
    let sent = answer(ResponseTemplate::new(200).set_body_json(ok)).await;
    assert_eq!(sent, Outcome::Sent { receipt: "200".to_owned() });
}

#[tokio::test]
async fn a_redirect_is_not_followed_to_whoever_it_names() {
    let server = MockServer::start().await;
    let elsewhere = format!("{}/elsewhere", server.uri());
    Mock::given(path("/elsewhere"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"code": "OK"})))
        .expect(0)
        .mount(&server)
        .await;
    for status in [302, 307] {
        let redirect = ResponseTemplate::new(status).insert_header("Location", elsewhere.as_str());
        let moved =
            Mock::given(path("/send")).respond_with(redirect).mount_as_scoped(&server).await;
        let outcome = channel(settings(format!("{}/send", server.uri()))).send(&sms("x")).await;
        assert_eq!(fault(&outcome), Some(Fault::Relay), "{outcome:?}");
        drop(moved);
    }
}

#[tokio::test]
async fn a_yes_that_cannot_be_read_is_unknown() {
    let too_long = json!({"code": "OK", "pad": "x".repeat(70_000)});
    for response in [
        ResponseTemplate::new(200).set_body_string("<html>OK</html>"),
        ResponseTemplate::new(200).set_body_json(json!({"status": "OK"})),
        ResponseTemplate::new(200).set_body_json(too_long),
        ResponseTemplate::new(200),
    ] {
        let outcome = answer(response).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn the_gateway_may_say_when_to_come_back() {
    let after = |outcome| match outcome {
        Outcome::Failed { retry_after_secs, .. } => retry_after_secs,
        other => panic!("{other:?}"),
    };
    let busy = || ResponseTemplate::new(429);
    assert_eq!(after(answer(busy().insert_header("Retry-After", "120")).await), Some(120));
    let date = busy()
        .insert_header("Date", "Sun, 22 Nov 2026 03:15:00 GMT")
        .insert_header("Retry-After", "Sun, 22 Nov 2026 03:20:00 GMT");
    assert_eq!(after(answer(date).await), Some(300));
    assert_eq!(after(answer(busy().insert_header("Retry-After", "soon")).await), None);
    assert_eq!(after(answer(busy()).await), None);
}

#[tokio::test]
async fn a_reason_does_not_repeat_the_number() {
    let mut settings = settings(String::new());
    settings.accepted_values = vec!["never".to_owned()];
    let body = json!({"code": "bad number 13800000000 or 008613800000000"}).to_string();
    let outcome = judge(&settings, 200, Some(body.as_bytes()), None, "+8613800000000");
    assert!(!format!("{outcome:?}").contains("00000"), "{outcome:?}");
}

#[tokio::test]
async fn no_connection_is_provably_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let outcome = channel(settings(format!("http://127.0.0.1:{port}"))).send(&sms("x")).await;
    assert_eq!(fault(&outcome), Some(Fault::Relay), "{outcome:?}");
}

#[tokio::test]
async fn a_gateway_that_took_the_request_and_went_away_or_silent_is_unknown() {
    for stalls in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let channel = channel(HttpSmsSettings { request_secs: 1, ..settings(url) });
        let gateway = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            assert!(stream.read(&mut buffer).await.unwrap() > 0);
            // A stalling gateway keeps the connection until the client gives up.
            stalls.then_some(stream)
        };
        let message = sms("x");
        let (outcome, _held) = tokio::join!(channel.send(&message), gateway);
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_key() {
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    type Change = fn(&mut HttpSmsSettings);
    let cases: [(&str, Change); 9] = [
        ("http.url", |s| s.url = "sms.example.com".to_owned()),
        ("http.url", |s| s.url = "http://sms.example.com/".to_owned()),
        ("http.url", |s| s.url = "https://{to}.example.com/".to_owned()),
        ("http.url", |s| s.url = "ftp://sms.example.com/".to_owned()),
        ("http.body", |s| s.body = r#"{"to":"{number}"}"#.to_owned()),
        ("http.body", |s| s.body = r#"{"to":{to}}"#.to_owned()),
        ("http.body_kind", |s| s.method = HttpMethod::Get),
        ("http.accepted_values", |s| s.accepted_values.clear()),
        ("http.idempotency_header", |s| s.idempotency_header = Some("a b".to_owned())),
    ];
    for (key, change) in cases {
        let mut changed = settings("https://sms.example.com/".to_owned());
        change(&mut changed);
        assert_eq!(HttpSms::new(&changed).err().map(|error| error.key), Some(key));
    }
    let mut secret = settings("https://sms.example.com/".to_owned());
    secret.headers.insert("Authorization".to_owned(), "s3cret\r\nX: y".into());
    let error = HttpSms::new(&secret).err().unwrap();
    assert!(error.key == "http.headers" && !error.to_string().contains("s3cret"));
    assert!(!format!("{secret:?}").contains("s3cret"));
}
