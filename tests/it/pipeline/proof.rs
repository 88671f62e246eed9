//! Nobody can be told of a release that is due: it is held, and comes only after somebody was told and had their time (SAFE-4).

use chrono::DateTime;
use serde_json::Value;

use crate::support::dunlin::{Home, QUICK, free_port};
use crate::support::events::{account, ahead, quick};
use crate::support::foreign::{Foreign, Mode};
use crate::support::mailbox::Mailbox;
use crate::support::patience::{until, until_eq};
use crate::support::rabbit;

/// How long before its release somebody must have heard of it.
const LEAD_MICROS: i64 = 2_000_000;

fn data<'v>(published: &'v [Value], kind: &str) -> Vec<&'v Value> {
    let of_kind = published.iter().filter(|event| event["type"] == kind);
    of_kind.map(|event| &event["data"]).collect()
}

#[test]
fn a_release_waits_for_a_mail_server_that_is_down_and_for_the_lead_time_after_it_is_back() {
    let broker = rabbit::shared();
    let home = Home::new(broker.port, free_port(), "proof");
    let release = "after = \"2s\" }\n";
    assert!(QUICK.contains(release));
    let text = QUICK.replace("\"quick\"", "\"proven\"").replace(
        release,
        &format!("{release}proof = {{ notices = [\"expired\"], lead = \"2s\" }}\n"),
    );
    home.write("policies/proven.toml", &text);
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
    let at: DateTime<chrono::Utc> =
        released["effective_at"].as_str().expect("text").parse().expect("an instant");
    let first = home.query(
        "SELECT CAST(min(receipts.at) AS TEXT) FROM receipts JOIN deliveries ON deliveries.id = delivery
         JOIN notices ON notices.id = notice WHERE outcome = 'sent' AND kind = 'expired'",
    );
    let first: i64 = first[0][0].parse().expect("it was told");
    assert!(at.timestamp_micros() >= first + LEAD_MICROS, "{at} is too soon after {first}");
    assert!(dunlin.stop().success());
}
