//! The dialogue against a scripted relay over memory, under paused time: the deadlines are the real ones, and
//! pass in no time, exactly when nobody can go on.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::task::JoinSet;

use super::super::mime::tests::message;
use super::super::wire::Wire;
use super::*;

/// What the relay does when it comes to a step, instead of what a good one does.
#[derive(Debug, Clone)]
enum Act {
    Say(&'static str),
    Drop,
    Stall,
}

/// The steps a relay can misbehave at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Connect,
    Greeting,
    Ehlo,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// After some of the message, before the dot.
    Body,
    /// After the dot.
    Dot,
    Rset,
}

/// One connection's script: the steps that go wrong.
#[derive(Debug, Clone, Default)]
struct Script {
    pipelining: bool,
    wrong: Vec<(At, Act)>,
}

impl Script {
    fn act(&self, at: At) -> Option<Act> {
        self.wrong.iter().find(|(step, _)| *step == at).map(|(_, act)| act.clone())
    }
}

/// Everything the relays saw.
#[derive(Debug, Default)]
struct Log {
    connections: usize,
    commands: Vec<String>,
    messages: Vec<String>,
}

struct Scripted {
    scripts: Mutex<VecDeque<Script>>,
    log: Arc<Mutex<Log>>,
    servers: Mutex<JoinSet<()>>,
}

impl Dial for Arc<Scripted> {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Wire>>> {
        let script = self.scripts.lock().unwrap().pop_front().expect("one connection too many");
        Box::pin(async move {
            match script.act(At::Connect) {
                Some(Act::Stall) => core::future::pending().await,
                Some(_) => return Err(io::ErrorKind::ConnectionRefused.into()),
                None => {}
            }
            // Smaller than a message: what the relay does not read, the client cannot finish writing.
            let (ours, theirs) = tokio::io::duplex(512);
            self.log.lock().unwrap().connections += 1;
            let log = Arc::clone(&self.log);
            self.servers.lock().unwrap().spawn(async move {
                // The client hung up: that is how scripts end.
                let _ended = serve(theirs, &script, &log).await;
            });
            Ok(Box::new(ours) as Box<dyn Wire>)
        })
    }
}

/// Says `good`, or does what the script has for this step. `false`: hang up.
async fn answer(
    stream: &mut BufReader<DuplexStream>,
    act: Option<Act>,
    good: &str,
) -> io::Result<bool> {
    match act {
        Some(Act::Say(text)) => stream.write_all(format!("{text}\r\n").as_bytes()).await?,
        Some(Act::Drop) => return Ok(false),
        Some(Act::Stall) => core::future::pending().await,
        None => stream.write_all(format!("{good}\r\n").as_bytes()).await?,
    }
    Ok(true)
}

async fn serve(stream: DuplexStream, script: &Script, log: &Mutex<Log>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    if !answer(&mut stream, script.act(At::Greeting), "220 relay").await? {
        return Ok(());
    }
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end().to_owned();
        log.lock().unwrap().commands.push(line.clone());
        let offer = if script.pipelining { "250-PIPELINING\r\n" } else { "" };
        let hello = format!("250-relay\r\n{offer}250-SIZE 20000\r\n250 AUTH PLAIN LOGIN");
        let (at, good) = match line.split([' ', ':']).next().unwrap() {
            "EHLO" => (At::Ehlo, hello.as_str()),
            "AUTH" => (At::Auth, "235 2.7.0 ok"),
            "MAIL" => (At::Mail, "250 2.1.0 ok"),
            "RCPT" => (At::Rcpt, "250 2.1.5 ok"),
            "DATA" => (At::Data, "354 go ahead"),
            "RSET" => (At::Rset, "250 ok"),
            "QUIT" => (At::Rset, "221 bye"),
            _ => panic!("not a command: {line:?}"),
        };
        let act = script.act(at);
        // Only a refusal keeps the message from coming.
        let refused = matches!(&act, Some(Act::Say(text)) if !text.starts_with("354"));
        if !answer(&mut stream, act, good).await? {
            return Ok(());
        }
        if at == At::Data && !refused && !take_message(&mut stream, script, log).await? {
            return Ok(());
        }
    }
}

async fn take_message(
    stream: &mut BufReader<DuplexStream>,
    script: &Script,
    log: &Mutex<Log>,
) -> io::Result<bool> {
    let mut text = String::new();
    if let Some(act) = script.act(At::Body) {
        let mut some = [0; 100];
        stream.read_exact(&mut some).await?;
        return answer(stream, Some(act), "").await;
    }
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(false);
        }
        if line == ".\r\n" {
            break;
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
    log.lock().unwrap().messages.push(text);
    answer(stream, script.act(At::Dot), "250 2.0.0 queued as 4F2A").await
}

fn channel(
    scripts: impl IntoIterator<Item = Script>,
    change: impl FnOnce(&mut EmailSettings),
) -> (SmtpEmail, Arc<Mutex<Log>>) {
    let log = Arc::new(Mutex::new(Log::default()));
    let relay = Scripted {
        scripts: Mutex::new(scripts.into_iter().collect()),
        log: Arc::clone(&log),
        servers: Mutex::default(),
    };
    let mut settings = EmailSettings::default();
    settings.smtp.tls = TlsMode::None;
    settings.smtp.hello_name = Some("dunlin.example.com".to_owned());
    change(&mut settings);
    (SmtpEmail::over(&settings, Box::new(Arc::new(relay))).unwrap(), log)
}

fn wrong(pipelining: bool, wrong: &[(At, Act)]) -> Script {
    Script { pipelining, wrong: wrong.to_vec() }
}

/// A message whose text does not fit into the wire.
fn long() -> EmailMessage {
    EmailMessage { text: "A line of the message.\n".repeat(200), ..message() }
}

#[derive(Debug, PartialEq, Eq)]
enum Is {
    Sent,
    Unknown,
    Failed(Fault),
}

fn is(outcome: &Outcome) -> Is {
    match outcome {
        Outcome::Sent { .. } => Is::Sent,
        Outcome::Unknown { .. } => Is::Unknown,
        Outcome::Failed { fault, .. } => Is::Failed(*fault),
    }
}

/// The table of `reliability`, written out: what each behaviour at each step means.
fn wanted(at: At, act: &Act) -> Is {
    use Fault::{Message, RecipientPermanent, RecipientTransient, Relay};
    let class = match act {
        Act::Say(text) => text.as_bytes()[0],
        Act::Drop | Act::Stall => b'x',
    };
    match (at, class) {
        (At::Connect | At::Greeting | At::Ehlo | At::Auth | At::Mail, _) => Is::Failed(Relay),
        (At::Rcpt, b'4') => Is::Failed(RecipientTransient),
        (At::Rcpt, b'5') => Is::Failed(RecipientPermanent),
        (At::Data, b'4') => Is::Failed(RecipientTransient),
        (At::Data, b'5') => Is::Failed(Message),
        (At::Rcpt | At::Data | At::Body, _) => Is::Failed(Relay),
        (At::Dot, b'4') => Is::Failed(RecipientTransient),
        (At::Dot, b'5') => Is::Failed(RecipientPermanent),
        (At::Dot, _) => Is::Unknown,
        (At::Rset, _) => Is::Sent,
    }
}

#[tokio::test(start_paused = true)]
async fn every_step_and_every_behaviour_has_its_outcome_and_names_nobody() {
    let steps = [
        At::Connect,
        At::Greeting,
        At::Ehlo,
        At::Auth,
        At::Mail,
        At::Rcpt,
        At::Data,
        At::Body,
        At::Dot,
        At::Rset,
    ];
    let acts = [
        Act::Say("450 4.2.0 try <li.lei@example.com> later"),
        Act::Say("451-4.3.0 two\r\n451 4.3.0 lines"),
        Act::Say("550 5.1.1 li.lei@example.com: no such user"),
        Act::Say("554 5.0.0 li.lei refused"),
        Act::Say("garbage for li.lei@example.com"),
        Act::Drop,
        Act::Stall,
    ];
    for pipelining in [false, true] {
        for at in steps {
            for act in &acts {
                if at == At::Body && matches!(act, Act::Say(_)) {
                    continue;
                }
                let (channel, log) = channel([wrong(pipelining, &[(at, act.clone())])], |s| {
                    s.smtp.username = Some("dunlin".to_owned());
                    s.smtp.password = Some("s3cret".into());
                });
                let outcome = channel.send(&long()).await;
                let told = format!("{at:?} {act:?} pipelining={pipelining}: {outcome:?}");
                assert_eq!(is(&outcome), wanted(at, act), "{told}");
                let said = format!("{outcome:?}").to_lowercase();
                // Before MAIL the relay knows of no recipient that it could name.
                let early = matches!(at, At::Connect | At::Greeting | At::Ehlo | At::Auth);
                assert!(!said.contains('@') && (early || !said.contains("lei")), "{told}");
                let taken = log.lock().unwrap().messages.iter().any(|text| text.contains("A line"));
                assert_eq!(taken, matches!(at, At::Dot | At::Rset), "{told}");
                // Whatever is out of step, closed or too late is never used again.
                let in_step = matches!(act, Act::Say(text) if !text.starts_with("garbage"))
                    && matches!(at, At::Mail | At::Rcpt | At::Data | At::Dot);
                let kept = usize::from(in_step || at == At::Rset);
                assert_eq!(channel.waiting_connections(), kept, "{told}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_recipient_costs_the_next_message_nothing() {
    for pipelining in [false, true] {
        let script = wrong(pipelining, &[(At::Rcpt, Act::Say("550 5.1.1 unknown"))]);
        let (channel, log) = channel([script], |_| {});
        for _ in 0..3 {
            let outcome = channel.send(&message()).await;
            assert_eq!(is(&outcome), Is::Failed(Fault::RecipientPermanent));
        }
        let log = log.lock().unwrap();
        assert_eq!(log.connections, 1);
        assert_eq!(log.commands.iter().filter(|line| *line == "RSET").count(), 3);
        // A server that took DATA before it knew is given an empty message, never ours.
        assert!(log.messages.iter().all(String::is_empty), "{:?}", log.messages);
    }
}

#[tokio::test(start_paused = true)]
async fn one_connection_carries_many_messages_byte_for_byte_and_is_replaced_in_time() {
    for pipelining in [false, true] {
        let scripts = [wrong(pipelining, &[]), wrong(pipelining, &[])];
        let (channel, log) = channel(scripts, |s| s.smtp.max_messages_per_connection = 3);
        for _ in 0..5 {
            let outcome = channel.send(&long()).await;
            assert_eq!(outcome, Outcome::Sent { receipt: "250 2.0.0 queued as 4F2A".to_owned() });
        }
        let sender = Sender::new(&EmailSettings::default()).unwrap();
        let bytes = String::from_utf8(sender.encode(&long()).unwrap().bytes).unwrap();
        let log = log.lock().unwrap();
        assert_eq!(log.connections, 2);
        assert!(log.messages.iter().all(|text| *text == bytes), "changed on the way");
        assert_eq!(log.commands.iter().filter(|line| *line == "QUIT").count(), 1);
        assert_eq!(log.commands.iter().filter(|line| line.starts_with("RCPT TO:<")).count(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_the_relay_closed_while_idle_is_replaced_before_anything_was_read() {
    for act in [Act::Drop, Act::Say("421 4.4.2 idle too long")] {
        for pipelining in [false, true] {
            // The probe's connection waits; its first MAIL meets a closed door.
            let closed = wrong(pipelining, &[(At::Mail, act.clone())]);
            let (channel, log) = channel([closed, wrong(pipelining, &[])], |_| {});
            channel.probe().await.unwrap();
            assert_eq!(is(&channel.send(&message()).await), Is::Sent, "{act:?}");
            assert_eq!(log.lock().unwrap().connections, 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_connection_that_is_closed_is_not_tried_again() {
    let (channel, log) = channel([wrong(true, &[(At::Mail, Act::Drop)])], |_| {});
    assert_eq!(is(&channel.send(&message()).await), Is::Failed(Fault::Relay));
    assert_eq!(log.lock().unwrap().connections, 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_send_takes_its_connection_with_it() {
    for at in [At::Mail, At::Rcpt, At::Data, At::Body, At::Dot] {
        let scripts = [wrong(true, &[(at, Act::Stall)]), wrong(true, &[])];
        let (channel, log) = channel(scripts, |s| s.smtp.max_connections = 1);
        let patience = Duration::from_secs(1);
        let cancelled = tokio::time::timeout(patience, channel.send(&long())).await;
        assert!(cancelled.is_err(), "{at:?}");
        assert_eq!(channel.waiting_connections(), 0, "{at:?}");
        // Its permit is free again, and the next message cannot read a stale reply.
        assert_eq!(is(&channel.send(&message()).await), Is::Sent, "{at:?}");
        assert_eq!(log.lock().unwrap().connections, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_connections_than_allowed_and_the_wait_for_one_has_an_end() {
    let stalled = || wrong(true, &[(At::Dot, Act::Stall)]);
    let (channel, log) = channel([stalled(), stalled()], |s| {
        s.smtp.max_connections = 2;
        s.smtp.timeouts.acquire_secs = 5;
    });
    let text = message();
    let sends = (0..5).map(|_| channel.send(&text));
    let outcomes = futures_util::future::join_all(sends).await;
    assert_eq!(log.lock().unwrap().connections, 2);
    let unknown = outcomes.iter().filter(|outcome| is(outcome) == Is::Unknown).count();
    let waited = outcomes.iter().filter(|o| is(o) == Is::Failed(Fault::Relay)).count();
    assert_eq!((unknown, waited), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn the_last_reply_has_its_own_deadline_counted_from_the_dot() {
    let (channel, _log) = channel([wrong(true, &[(At::Dot, Act::Stall)])], |_| {});
    let start = tokio::time::Instant::now();
    assert_eq!(is(&channel.send(&message()).await), Is::Unknown);
    assert_eq!(start.elapsed().as_secs(), 600);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_not_used_after_its_time_and_is_told_goodbye() {
    let scripts = [wrong(true, &[]), wrong(true, &[])];
    let (channel, log) = channel(scripts, |s| s.smtp.idle_secs = 30);
    assert_eq!(is(&channel.send(&message()).await), Is::Sent);
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(is(&channel.send(&message()).await), Is::Sent);
    assert_eq!(log.lock().unwrap().connections, 2);
    channel.close_idle().await;
    assert_eq!(channel.waiting_connections(), 1);
    tokio::time::advance(Duration::from_secs(31)).await;
    channel.close_idle().await;
    assert_eq!(channel.waiting_connections(), 0);
    assert_eq!(log.lock().unwrap().commands.last().map(String::as_str), Some("QUIT"));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_the_relay_says_it_will_not_take_is_not_offered() {
    let (channel, log) = channel([wrong(true, &[])], |_| {});
    let huge = EmailMessage { text: "x\n".repeat(20_000), ..message() };
    assert_eq!(is(&channel.send(&huge).await), Is::Failed(Fault::Message));
    assert!(!log.lock().unwrap().commands.iter().any(|line| line.starts_with("MAIL")));
    assert_eq!(is(&channel.send(&message()).await), Is::Sent);
}

#[tokio::test(start_paused = true)]
async fn a_password_is_sent_to_the_relay_and_shown_to_nobody() {
    let refused = wrong(true, &[(At::Auth, Act::Say("535 5.7.8 dunlin: s3cret is wrong"))]);
    let (channel, log) = channel([wrong(true, &[]), refused], |s| {
        s.smtp.username = Some("dunlin".to_owned());
        s.smtp.password = Some("s3cret".into());
        assert!(!format!("{s:?}").contains("s3cret"));
        s.smtp.max_messages_per_connection = 1;
    });
    assert_eq!(is(&channel.send(&message()).await), Is::Sent);
    // PLAIN: NUL user NUL password, in base64.
    let login = "AUTH PLAIN AGR1bmxpbgBzM2NyZXQ=";
    assert!(log.lock().unwrap().commands.iter().any(|line| line == login));
    let outcome = channel.send(&message()).await;
    assert_eq!(is(&outcome), Is::Failed(Fault::Relay));
    assert!(!format!("{outcome:?}").contains("s3cret"), "{outcome:?}");
}

#[test]
fn settings_that_cannot_work_are_refused_by_key() {
    type Change = fn(&mut EmailSettings);
    let cases: [(&str, Change); 6] = [
        ("hello_name", |s| s.smtp.hello_name = Some("a\r\nMAIL FROM:<b>".to_owned())),
        ("password", |s| s.smtp.username = Some("x".to_owned())),
        ("username", |s| s.smtp.password = Some("x".into())),
        ("max_connections", |s| s.smtp.max_connections = 0),
        ("ca_file", |s| s.smtp.ca_file = Some("/nonexistent/ca.pem".into())),
        ("host", |s| s.smtp.host = "not a name".to_owned()),
    ];
    for (wanted, change) in cases {
        let mut settings = EmailSettings::default();
        change(&mut settings);
        match SmtpEmail::new(&settings).err() {
            Some(EmailSettingsError::Smtp { key, .. }) => assert_eq!(key, wanted),
            other => panic!("{wanted}: {other:?}"),
        }
    }
}
