//! Nobody can be told of a release that is due: it is held, and comes only after somebody was told and had their time (SAFE-4).

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::dunlin::{Home, QUICK, free_port};
use crate::support::events::{account, ahead, event, quick};
use crate::support::foreign::{Foreign, Mode};
use crate::support::mailbox::Mailbox;
use crate::support::patience::{until, until_eq};
use crate::support::rabbit;

/// How long before its release somebody must have heard of it.
const LEAD_MICROS: i64 = 2_000_000;

/// `quick`, released so many seconds after somebody was told of the expiry.
fn proven(id: &str, lead_secs: i64) -> String {
    let release = "after = \"2s\" }\n";
    assert!(QUICK.contains(release));
    let proof = format!("proof = {{ notices = [\"expired\"], lead = \"{lead_secs}s\" }}\n");
    QUICK.replace("\"quick\"", &format!("\"{id}\"")).replace(release, &format!("{release}{proof}"))
}

fn data<'v>(published: &'v [Value], kind: &str) -> Vec<&'v Value> {
    let of_kind = published.iter().filter(|event| event["type"] == kind);
    of_kind.map(|event| &event["data"]).collect()
}

#[test]
fn a_release_waits_for_a_mail_server_that_is_down_and_for_the_lead_time_after_it_is_back() {
    let broker = rabbit::shared();
    let home = Home::new(broker.port, free_port(), "proof");
    home.write("policies/proven.toml", &proven("proven", 2));
    let mut foreign = Foreign::start(broker.port);
    for kind in ["transition.held", "resource.changed", "notice.sent"] {
        foreign.listen("proof.out", "proof.seen", &format!("lifecycle.{kind}.#"));
    }
    let dunlin = home.start_ready();
    let mut resource = quick("acc-1", "ins-1", ahead(500));
    resource["data"]["policy"] = "proven".into();
    foreign.publish("proof.in", Mode::Structured, &[account("acc-1"), resource]);
    let mut published = foreign.read("proof.seen", 2);
    let held = data(&published, "lifecycle.transition.held");
    assert_eq!((&held[0]["to"], &held[0]["because"]), (&"released".into(), &"proof".into()));

    // It forgets nothing of that, however it ends.
    dunlin.kill();
    let dunlin = home.start_ready();
    let mailbox = Mailbox::start_on(home.smtp);
    until_eq(&4, || home.count("SELECT count(*) FROM deliveries WHERE state = 'sent'"));
    mailbox.wait_for(4);
    // Four mails, two of them texts by mail, and the release.
    published.extend(foreign.read("proof.seen", 5));
    until("nothing that waits", || {
        (home.count("SELECT count(*) FROM publications") == 0).then_some(())
    });
    assert_eq!(data(&published, "lifecycle.transition.held").len(), 1, "said once");
    let changes = data(&published, "lifecycle.resource.changed");
    let [_, released] = changes[..] else { panic!("{changes:#?}") };
    assert_eq!(released["to"], "released");
    let at: DateTime<Utc> =
        released["effective_at"].as_str().expect("text").parse().expect("an instant");
    let first = home.query(
        "SELECT CAST(min(receipts.at) AS TEXT) FROM receipts JOIN deliveries ON deliveries.id = delivery
         JOIN notices ON notices.id = notice WHERE outcome = 'sent' AND kind = 'expired'",
    );
    let first: i64 = first[0][0].parse().expect("it was told");
    assert!(at.timestamp_micros() >= first + LEAD_MICROS, "{at} is too soon after {first}");
    assert!(dunlin.stop().success());
}

/// Seconds between an acceptance and the release, and those that leave time for a bounce.
const LEADS: [(&str, i64); 3] = [("ins-1", 3), ("ins-2", 3), ("ins-3", 6)];

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("text").parse().expect("an instant")
}

fn explained(home: &Home, resource: &str) -> Value {
    let output = home.run(&["explain", resource, "--json"]);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// What told of an expiry.
#[derive(Debug)]
struct Told {
    /// When it was decided.
    at: DateTime<Utc>,
    /// The date that it named for the release.
    named: DateTime<Utc>,
    accepted: Option<DateTime<Utc>>,
}

fn told(page: &Value) -> Vec<Told> {
    let told = page["told"].as_array().expect("a list").iter();
    told.map(|one| {
        let promised = one["promised"].as_array().expect("a list");
        let named = promised.iter().find(|one| one["to"] == "released").expect("it is named");
        let answer = &one["deliveries"][0]["answers"][0];
        let accepted = (answer["outcome"] == "sent").then(|| instant(&answer["at"]));
        Told { at: instant(&one["at"]), named: instant(&named["at"]), accepted }
    })
    .collect()
}

/// Alone, with one address.
fn alone(owner: &str) -> Value {
    let mut owned = account(owner);
    let email = format!("ann@{owner}.example");
    owned["data"]["contacts"] = json!([{"name": "Ann", "role": "creator", "email": email}]);
    owned
}

#[test]
fn releases_that_a_dead_mail_server_held_name_later_dates_and_come_when_told_except_what_bounced() {
    let broker = rabbit::shared();
    let home = Home::new(broker.port, free_port(), "dead");
    let slots = "after = [\"0s\"] }";
    for (policy, lead) in [("proven", 3), ("patient", 6)] {
        let text = proven(policy, lead).replace(slots, "after = [\"0s\", \"4s\"] }");
        let text = text.replace("after = \"2s\" }\n", "after = \"6s\" }\n");
        home.write(&format!("policies/{policy}.toml"), &text);
    }
    let mut foreign = Foreign::start(broker.port);
    for kind in ["transition.held", "resource.changed", "notice.sent"] {
        foreign.listen("dead.out", "dead.seen", &format!("lifecycle.{kind}.#"));
    }
    let dunlin = home.start_ready();
    let mut events = Vec::new();
    for (number, policy) in [(1, "proven"), (2, "proven"), (3, "patient")] {
        let (owner, resource) = (format!("acc-{number}"), format!("ins-{number}"));
        let mut activated = quick(&owner, &resource, ahead(500 + 300 * number));
        activated["data"]["policy"] = policy.into();
        events.extend([alone(&owner), activated]);
    }
    foreign.publish("dead.in", Mode::Structured, &events);

    // Three are moved to the bin and held there, while nobody can be told.
    let published = foreign.read("dead.seen", 6);
    let held = data(&published, "lifecycle.transition.held");
    assert_eq!(held.len(), 3, "{published:#?}");
    assert!(
        held.iter()
            .all(|held| (&held["to"], &held["because"]) == (&"released".into(), &"proof".into()))
    );
    until_eq(&6, || home.count("SELECT count(*) FROM notices WHERE kind = 'expired'"));
    for (resource, lead) in LEADS {
        let told = told(&explained(&home, resource));
        let [first, second] = &told[..] else { panic!("{told:?}") };
        assert!(second.named >= second.at + TimeDelta::seconds(lead), "{told:?}");
        assert!(second.named > first.named, "moved: {told:?}");
    }
    assert_eq!(home.count("SELECT count(*) FROM deliveries WHERE state = 'sent'"), 0);

    // It is back; what it took for one of them comes back.
    let mailbox = Mailbox::start_on(home.smtp);
    let theirs = until("both mails of the third", || {
        let mut mails = mailbox.mails();
        mails.retain(|mail| mail["to"] == json!(["ann@acc-3.example"]));
        (mails.len() == 2).then_some(mails)
    });
    let bounce = |mail: &Value| {
        let message = &mail["headers"]["Message-ID"];
        let id = message.as_str().expect("text");
        let data = json!({"message": message, "reason": "550 5.1.1 no such user"});
        event(id, "notice.bounced", "acc-3", data)
    };
    let bounces: Vec<Value> = theirs.iter().map(bounce).collect();
    foreign.publish("dead.in", Mode::Structured, &bounces);
    until_eq(&2, || home.count("SELECT count(*) FROM receipts WHERE outcome = 'bounced'"));
    let published = foreign.read("dead.seen", 6 + 2);
    let changes = data(&published, "lifecycle.resource.changed");
    let mut released: Vec<_> = changes.iter().map(|one| (&one["resource"], &one["to"])).collect();
    released.sort_by_key(|(resource, _)| resource.to_string());
    assert_eq!(
        released,
        [(&"ins-1".into(), &"released".into()), (&"ins-2".into(), &"released".into())]
    );
    let in_time = |change: &Value, lead: i64| {
        let told = told(&explained(&home, change["resource"].as_str().expect("text")));
        let accepted = told.iter().filter_map(|told| told.accepted).min().expect("it was told");
        assert!(
            instant(&change["effective_at"]) >= accepted + TimeDelta::seconds(lead),
            "{change}"
        );
    };
    changes.iter().for_each(|change| in_time(change, 3));

    // Told again, with success: the time counts from there, which is foreseen.
    assert_eq!(explained(&home, "ins-3")["next"][0]["kind"], "held");
    let resend = "notice resend ins-3 --notice expired --reason mended --by ann";
    let resent = home.run(&resend.split(' ').collect::<Vec<_>>());
    assert!(resent.status.success(), "{}", String::from_utf8_lossy(&resent.stderr));
    assert_eq!(foreign.read("dead.seen", 1)[0]["type"], "lifecycle.notice.sent");
    let page = explained(&home, "ins-3");
    let told = told(&page);
    let [Told { named: first, .. }, Told { named: second, .. }, third] = &told[..] else {
        panic!("{told:?}")
    };
    let due = third.accepted.expect("it was told") + TimeDelta::seconds(6);
    let next = &page["next"][0];
    assert_eq!((&next["kind"], instant(&next["at"])), (&json!("transition"), due), "{page:#}");
    let published = foreign.read("dead.seen", 1);
    let change = &published[0]["data"];
    assert_eq!((&change["resource"], &change["to"]), (&"ins-3".into(), &"released".into()));
    let at = instant(&change["effective_at"]);
    assert!(at >= due, "{at}: {told:?}");
    assert!(at >= *first && at >= *second && at >= third.named, "no earlier than any notice named");
    assert_eq!(mailbox.mails().len(), 7);
    assert!(dunlin.stop().success());
}
