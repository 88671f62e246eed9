//! Too much at once is held before anything of it runs, said, shown, and goes on only by the word of a person (SAFE-6).

use serde_json::{Value, json};

use crate::support::dunlin::Home;
use crate::support::events::{account, ahead, balance, event, postpaid, quick};
use crate::support::foreign::{Foreign, Mode};
use crate::support::mailbox::Mailbox;
use crate::support::patience::{until, until_eq};
use crate::support::rabbit;

/// A dunlin to which more than twenty at once are too many.
fn home(broker: u16, smtp: u16, prefix: &str) -> Home {
    Home::new(broker, smtp, prefix)
        .with("BREAKER__ARREARS_PER_HOUR", "20")
        .with("BREAKER__STOPS_PER_POLICY", "20")
        .with("BREAKER__RELEASES_PER_POLICY", "20")
        .with("BREAKER__SHARE_PERCENT", "100")
        .with("BREAKER__PATIENCE_SECS", "0")
}

fn listen(foreign: &mut Foreign, prefix: &str, kinds: &[&str]) {
    for kind in kinds {
        let (exchange, queue) = (format!("{prefix}.out"), format!("{prefix}.seen"));
        foreign.listen(&exchange, &queue, &format!("lifecycle.{kind}.#"));
    }
}

/// What `dunlin` prints, as JSON.
fn json_of(home: &Home, args: &[&str]) -> Value {
    let output = home.run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn approve(home: &Home, hash: &str) {
    let reason = "the month's bill, really";
    let args = ["breaker", "approve", "--batch", hash, "--reason", reason, "--by", "olga"];
    let output = home.run(&args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// How many resources are in a phase.
fn in_phase(home: &Home, phase: &str) -> usize {
    home.count(&format!("SELECT count(*) FROM resources WHERE state ->> '$.phase' = '{phase}'"))
}

#[test]
fn a_file_that_turns_every_balance_negative_trips_it_before_anybody_is_told() {
    let broker = rabbit::shared();
    let mailbox = Mailbox::start();
    let home = home(broker.port, mailbox.port, "flood");
    let mut foreign = Foreign::start(broker.port);
    listen(&mut foreign, "flood", &["breaker.tripped", "resource.changed", "notice.sent"]);
    let name = |number: usize| format!("acc-{number:02}");
    let dunlin = home.start_ready();
    let fleet = (0..85).flat_map(|number| {
        let (id, resource) = (name(number), format!("ins-{number:02}"));
        let rich = balance(&id, &format!("{id}-rich"), "100.00");
        [account(&id), postpaid(&id, &resource), rich]
    });
    foreign.publish("flood.in", Mode::Structured, &fleet.collect::<Vec<_>>());
    until_eq(&255, || home.count("SELECT count(*) FROM inbox"));
    assert!(dunlin.stop().success());
    let poor: Vec<Value> = (0..60)
        .map(|number| balance(&name(number), &format!("{}-poor", name(number)), "-1.00"))
        .collect();
    foreign.publish("flood.in", Mode::Structured, &poor);

    let dunlin = home.start_ready();
    let tripped = foreign.read("flood.seen", 1).remove(0);
    assert_eq!(tripped["type"], "lifecycle.breaker.tripped");
    let data = &tripped["data"];
    let schema = json_of(&home, &["schema", "lifecycle.breaker.tripped"]);
    assert!(jsonschema::validator_for(&schema).expect("a schema").is_valid(data), "{data}");
    assert_eq!((&data["kind"], &data["scope"]), (&"arrears".into(), &"all".into()));
    assert_eq!((&data["count"], &data["limit"]), (&60.into(), &20.into()));
    assert_eq!(in_phase(&home, "active"), 85);
    assert_eq!(home.count("SELECT count(*) FROM notices"), 0, "nobody is told");
    assert!(dunlin.metric("dunlin_breaker_open{scope=\"all\",kind=\"arrears\"}") > 0.0);
    let page = dunlin.readiness().expect("dunlin answers");
    assert_eq!(page["ready"], true);
    let line =
        page["components"].as_array().expect("a list").iter().find(|one| one["name"] == "breaker");
    assert_eq!(line.expect("a line")["state"], "degraded");

    // It is still so after a power cut; one recovers, others fall.
    dunlin.kill();
    let _dunlin = home.start_ready();
    let hash = data["batch"].as_str().expect("text").to_owned();
    let rest =
        (60..85).map(|number| balance(&name(number), &format!("{}-poor", name(number)), "-1.00"));
    let mut later: Vec<Value> = rest.collect();
    later.push(balance(&name(7), "mended", "100.00"));
    foreign.publish("flood.in", Mode::Structured, &later);
    until_eq(&341, || home.count("SELECT count(*) FROM inbox"));
    let listed = json_of(&home, &["breaker", "list", "--json"]);
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["batch"]), (Some(1), &json!(hash)));
    let shown = json_of(&home, &["breaker", "show", &hash, "--json"]);
    let members = shown["members"].as_array().expect("a list");
    assert_eq!((members.len(), &members[0]["account"]), (59, &"acc-00".into()));
    assert_eq!(home.count("SELECT count(*) FROM notices"), 0);

    approve(&home, &hash);
    until_eq(&59, || in_phase(&home, "grace"));
    mailbox.wait_for(59 * 4);
    // The others are a set of their own, and too many.
    let second = until("a second batch", || {
        let listed = json_of(&home, &["breaker", "list", "--json"]);
        listed[0]["count"].as_u64().filter(|count| *count == 25)
    });
    assert_eq!((second, in_phase(&home, "grace")), (25, 59));
    assert_eq!(
        home.count("SELECT count(*) FROM notices"),
        59,
        "one an account, of that batch only"
    );
    let said = home.count("SELECT count(*) FROM decision_texts WHERE text LIKE '%by olga%'");
    assert_eq!(said, 59);
}

#[test]
fn what_expires_all_at_once_is_held_while_notices_go_on() {
    let broker = rabbit::shared();
    let mailbox = Mailbox::start();
    let home = home(broker.port, mailbox.port, "sale");
    let mut foreign = Foreign::start(broker.port);
    listen(&mut foreign, "sale", &["breaker.tripped", "resource.changed", "transition.held"]);
    let dunlin = home.start_ready();
    let expiry = ahead(3_000);
    let mut events = vec![account("acc-1")];
    events.extend((0..30).map(|number| quick("acc-1", &format!("ins-{number:02}"), expiry)));
    foreign.publish("sale.in", Mode::Structured, &events);
    let mut published = foreign.read("sale.seen", 31);
    let of = |published: &[Value], kind: &str| {
        published.iter().filter(|event| event["type"] == format!("lifecycle.{kind}")).count()
    };
    assert_eq!((of(&published, "breaker.tripped"), of(&published, "transition.held")), (1, 30));
    let tripped = published.iter().find(|event| event["type"] == "lifecycle.breaker.tripped");
    let data = tripped.expect("an alert")["data"].clone();
    assert_eq!(
        (&data["kind"], &data["scope"], &data["count"]),
        (&"stop".into(), &"quick".into(), &30.into())
    );
    // Warned before, told at the expiry.
    mailbox.wait_for(8);
    assert_eq!(home.count("SELECT count(*) FROM notices WHERE kind = 'expired'"), 1);
    assert_eq!(in_phase(&home, "active"), 30);

    dunlin.kill();
    let _dunlin = home.start_ready();
    let paid = event(
        "paid",
        "expiry.changed",
        "acc-1",
        json!({
            "resource": "ins-03", "expires_at": "2099-01-01T00:00:00Z",
        }),
    );
    foreign.publish("sale.in", Mode::Structured, &[paid]);
    until_eq(&32, || home.count("SELECT count(*) FROM inbox"));
    approve(&home, data["batch"].as_str().expect("text"));
    until_eq(&29, || in_phase(&home, "recycled"));
    assert_eq!(in_phase(&home, "active"), 1);
    // Two seconds later they would be released, all at once.
    published.extend(foreign.read("sale.seen", 29 + 1 + 29));
    let kinds: Vec<&Value> = published
        .iter()
        .filter(|event| event["type"] == "lifecycle.breaker.tripped")
        .map(|event| &event["data"]["kind"])
        .collect();
    assert_eq!(kinds, ["stop", "release"]);
    assert_eq!(in_phase(&home, "released"), 0);
}
