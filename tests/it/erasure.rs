//! The person of an account is erased through the running worker: they are in no row of the store, and after a `VACUUM` in no byte, the chain
//! holds, and nothing is released by it.

use std::fs;

use serde_json::Value;

use crate::support::dunlin::{Home, QUICK};
use crate::support::events::{account, ahead, event, quick};
use crate::support::foreign::{Foreign, Mode};
use crate::support::mailbox::Mailbox;
use crate::support::patience::until_eq;
use crate::support::rabbit;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Released two seconds after E, where somebody was told a second before.
fn proven() -> String {
    let release = "after = \"2s\" }\n";
    assert!(QUICK.contains(release));
    let proof = format!("{release}proof = {{ notices = [\"expired\"], lead = \"1s\" }}\n");
    QUICK.replace("\"quick\"", "\"proven\"").replace(release, &proof)
}

#[test]
fn an_erased_person_is_in_no_row_of_the_store_and_nothing_is_released_by_it() {
    let broker = rabbit::shared();
    let mailbox = Mailbox::start();
    let home = Home::new(broker.port, mailbox.port, "erase");
    home.write("policies/proven.toml", &proven());
    let mut foreign = Foreign::start(broker.port);
    foreign.listen("erase.out", "erase.seen", "lifecycle.#");
    let dunlin = home.start_ready();
    let mut resource = quick("acc-1", "ins-1", ahead(4000));
    resource["data"]["policy"] = "proven".into();
    resource["data"]["name"] = "weis-archive".into();
    let hold = serde_json::json!({ "resource": "ins-1", "hold": "h", "reason": "Wei is ill" });
    let hold = event("hold-1", "hold.placed", "acc-1", hold);
    // Said of no known currency: it is set aside, with all that it says.
    let mut odd = account("acc-1");
    (odd["id"], odd["data"]["currency"]) = ("odd".into(), "USD".into());
    let lifted =
        event("lift-1", "hold.lifted", "acc-1", serde_json::json!({ "resource": "ins-1" }));
    foreign.publish("erase.in", Mode::Structured, &[account("acc-1"), resource, hold, odd, lifted]);
    // Warned, and told.
    mailbox.wait_for(8);
    until_eq(&8, || home.count("SELECT count(*) FROM sent_messages"));

    let order = ["account", "erase", "acc-1", "--reason", "asked for by letter", "--by", "op"];
    let erased = home.run(&order);
    assert!(erased.status.success(), "{} {}", text(&erased.stdout), text(&erased.stderr));
    assert!(text(&erased.stdout).contains("until contacts are known again"));
    until_eq(&1, || {
        home.count("SELECT count(*) FROM decisions WHERE body LIKE '%\"because\":\"proof\"%'")
    });
    let explained = text(&home.run(&["explain", "ins-1"]).stdout);
    let told = "the person of its account is erased (SAFE-4)";
    assert!(explained.contains(told) && explained.contains("e-mail to erased"), "{explained}");
    let export = ["ledger", "export", "--account", "acc-1", "--with-texts"];
    let record = text(&home.run(&export).stdout);
    assert!(record.contains("by op: asked for by letter"), "{record}");
    let verified = home.run(&["ledger", "verify"]);
    assert!(verified.status.success(), "{}", text(&verified.stdout));
    assert!(text(&verified.stdout).contains("names erased from"), "{}", text(&verified.stdout));
    let listed = text(&home.run(&["reachability", "--within", "1d"]).stdout);
    assert!(listed.contains("acc-1: the person was erased"), "{listed}");
    assert!(listed.contains("ins-1 to released, which cannot be undone, held"), "{listed}");
    let json = text(&home.run(&["reachability", "--json"]).stdout);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["unreachable"][0]["why"]["kind"], "erased");

    // What was true before, told late.
    let mut late = account("acc-1");
    (late["id"], late["time"]) = ("late".into(), "2020-01-01T00:00:00Z".into());
    foreign.publish("erase.in", Mode::Structured, &[late]);
    until_eq(&1, || home.count("SELECT count(*) FROM inbox WHERE id = 'late'"));
    assert!(dunlin.stop().success());
    assert_eq!(
        home.query("SELECT state FROM resources")[0][0]
            .matches("\"released\",\"entered_at\"")
            .count(),
        0
    );
    // SQLite may leave copies where it moved rows around; this is what removes them.
    let store = rusqlite::Connection::open(home.path("dunlin.db")).expect("the store");
    store.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)").expect("room for a copy");
    drop(store);
    let file = fs::read(home.path("dunlin.db")).expect("the store");
    for secret in ["ann@acc-1", "wei@acc-1", "Acme", "+86138", "weis-archive", "Wei is ill", "伟"]
    {
        let found = file.windows(secret.len()).position(|bytes| bytes == secret.as_bytes());
        let around = found.map(|at| &file[at.saturating_sub(200)..at + 100]);
        let around = around.map(String::from_utf8_lossy);
        assert_eq!(around, None, "{secret} at {found:?}");
    }
    assert!(!home.log().contains("ann@"));

    // Somebody is known again.
    let dunlin = home.start_ready();
    foreign.publish(
        "erase.in",
        Mode::Structured,
        &[{
            let mut again = account("acc-1");
            again["id"] = "again".into();
            again
        }],
    );
    until_eq(&1, || home.count("SELECT count(*) FROM accounts WHERE state LIKE '%ann@acc-1%'"));
    let order = ["approve-release", "ins-1", "--reason", "told by letter", "--by", "op"];
    let approved = home.run(&order);
    assert!(approved.status.success(), "{}", text(&approved.stderr));
    until_eq(&1, || {
        home.count("SELECT count(*) FROM resources WHERE state LIKE '%\"phase\":\"released\"%'")
    });
    assert!(dunlin.stop().success());
}
