//! The commands around the worker: each does what it says, and its exit code tells.

use std::process::Output;

use serde_json::Value;

use crate::support::dunlin::{Home, QUICK, bare, free_port};
use crate::support::events::{account, ahead, balance, event_at, postpaid};
use crate::support::foreign::Foreign;
use crate::support::mailbox::Mailbox;
use crate::support::patience::until;
use crate::support::rabbit;

fn printed(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// What a command that failed says, on standard error.
fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).expect("text")
}

#[test]
fn an_old_file_is_published_as_if_it_happened_today_and_tail_shows_what_comes_of_it() {
    let broker = rabbit::shared();
    let mailbox = Mailbox::start();
    let home = Home::new(broker.port, mailbox.port, "tool");
    let mut foreign = Foreign::start(broker.port);
    // The debt is years old: shifted, it starts now.
    let events = [account("acc-1"), postpaid("acc-1", "ins-1"), balance("acc-1", "debt", "-1.00")];
    let old = |mut event: Value| {
        event["time"] = "2020-02-29T12:00:00Z".into();
        format!("{event}\n")
    };
    let file = home.write("old.jsonl", &events.map(old).concat());
    let dunlin = home.start_ready();

    let tail = home.start_into(&["event", "tail", "lifecycle.resource.changed.#"], "tail");
    until("a tail that listens", || {
        let bindings = broker.ctl(&["list_bindings", "-q", "source_name"]);
        bindings.lines().any(|source| source == "tool.out").then_some(())
    });
    let published =
        home.run(&["event", "publish", file.to_str().expect("text"), "--shift-to", "now"]);
    assert!(printed(&published).contains("3 events published and confirmed"));
    let line =
        until("a line of it", || Some(home.read("tail")).filter(|text| text.ends_with('\n')));
    let change: Value = serde_json::from_str(&line).expect("one line of JSON");
    let data = &change["data"];
    assert_eq!((&data["resource"], &data["to"]), (&"ins-1".into(), &"grace".into()));
    assert!(data["effective_at"].as_str().expect("text") > "2021", "{change}");
    assert!(tail.stop().success());
    mailbox.wait_for(4);

    // One line that is no event: nothing of the file is sent.
    let broken = home.write("broken.jsonl", &format!("{}\nnot json\n", account("acc-2")));
    let refused = complaint(&home.run(&["event", "publish", broken.to_str().expect("text")]));
    assert!(refused.contains("broken.jsonl, line 2"), "{refused}");
    assert_eq!(foreign.depth("tool.events"), 0);
    assert!(dunlin.stop().success());
    let nobody =
        home.with("BROKER__URI", &format!("amqp://guest:guest@127.0.0.1:{}/%2f", free_port()));
    let refused = complaint(&nobody.run(&["event", "publish", file.to_str().expect("text")]));
    assert!(refused.contains("cannot connect") && !refused.contains("guest:guest"), "{refused}");
}

#[test]
fn check_finds_mistakes_of_configuration_policies_and_templates() {
    let home = Home::new(free_port(), free_port(), "check");
    let fine = printed(&home.run(&["check"]));
    for piece in ["configuration: fine", "policy quick version 1: fine", "templates: fine"] {
        assert!(fine.contains(piece), "{piece}: {fine}");
    }
    // Two mistakes are told at once, each with its key and a hint.
    let text = "[email.smtp]\nhots = \"x\"\n[store]\ngroup_max_events = 0\n";
    let wrong = bare(&["check", "--config"]).arg(home.write("wrong.toml", text)).output();
    let wrong = complaint(&wrong.expect("dunlin starts"));
    for piece in ["email.smtp.hots", "email.smtp.host", "store.group_max_events"] {
        assert!(wrong.contains(piece), "{piece}: {wrong}");
    }
    home.write("policies/quick.toml", &QUICK.replace("from = \"expiry\"", "from = \"expiri\""));
    let wrong = complaint(&home.run(&["check"]));
    assert!(wrong.contains("quick.toml") && wrong.contains("expiri"), "{wrong}");
}

#[test]
fn config_show_tells_every_value_and_its_origin_and_no_secret() {
    let home = Home::new(5999, free_port(), "show")
        .with("EMAIL__SMTP__USERNAME", "dunlin")
        .with("EMAIL__SMTP__PASSWORD", "hunter2");
    for (shown, from) in [
        (printed(&home.run(&["config", "show"])), "DUNLIN__BROKER__URI"),
        (printed(&bare(&["config", "show"]).output().expect("dunlin starts")), "default"),
    ] {
        assert!(!shown.contains("guest:guest") && !shown.contains("hunter2"), "{shown}");
        let uri =
            shown.lines().find(|line| line.starts_with("broker.uri = ")).expect("it is listed");
        assert!(uri.starts_with("broker.uri = ***") && uri.contains(from), "{uri}");
    }
}

#[test]
fn a_preview_reaches_the_mail_server_and_says_what_a_text_costs() {
    let mailbox = Mailbox::start();
    let home = Home::new(free_port(), mailbox.port, "preview");
    let args =
        ["template", "preview", "expired", "--locale", "zh-CN", "--send-to", "me@dunlin.example"];
    printed(&home.run(&args));
    let mail = &mailbox.wait_for(1)[0];
    assert_eq!(mail["to"][0], "me@dunlin.example");
    assert_eq!(
        (&mail["type"], &mail["defects"]),
        (&"multipart/alternative".into(), &Value::Array(Vec::new()))
    );
    let text = printed(&home.run(&[
        "template",
        "preview",
        "expired",
        "--locale",
        "zh-CN",
        "--channel",
        "sms",
    ]));
    assert!(text.contains("UCS-2") && text.contains("segments"), "{text}");
    let unknown = complaint(&home.run(&["template", "preview", "nonsense"]));
    assert!(unknown.contains("nonsense") && unknown.contains("expiry-warning"), "{unknown}");
}

#[test]
fn a_simulation_prints_nothing_but_its_trace_and_complains_elsewhere() {
    let home = Home::new(free_port(), free_port(), "simulate");
    let mut late = event_at("x", "heartbeat", "acc-1", ahead(0), serde_json::json!({}));
    late["type"] = "billing.nonsense".into();
    let file = home.write("events.jsonl", &format!("{}\n{late}\n", account("acc-1")));
    let mut command = bare(&["simulate", "--until", "2199-01-01T00:00:00Z"]);
    let output = command.arg(file).output().expect("dunlin starts");
    assert_eq!(printed(&output), "");
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 2: /type"));
    // clap's own code for a command line that makes no sense.
    assert_eq!(bare(&["simulate"]).output().expect("dunlin starts").status.code(), Some(2));
}
