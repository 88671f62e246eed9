//! Up to when facts are known, event by event.

use chrono::TimeDelta;

use super::super::sources::{Rules, Sources};
use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn listed(rules: &[(&str, Proof)]) -> Freshness {
    let rules = rules.iter().map(|(source, freshness)| {
        let rules = Rules { freshness: Some(*freshness), ..Rules::default() };
        ((*source).to_owned(), rules)
    });
    Freshness {
        sources: Sources { listed: rules.collect(), ..Sources::default() },
        ..Freshness::default()
    }
}

fn facts(settings: Freshness) -> Facts {
    Facts::new(settings, BTreeMap::new(), false)
}

/// One that knows these sources.
fn of(sources: &[&str]) -> Facts {
    let mut facts = facts(Freshness::default());
    for source in sources {
        facts.heard(source, at(0));
    }
    facts
}

/// A marker that was written at `now` and came back out of each of so many queues.
fn round(facts: &mut Facts, now: i64, queues: usize) {
    let tick = secs(now.unsigned_abs());
    let until = facts.marker_would_show(Some(1), at(now), tick).expect("it tells something");
    let number = facts.next_marker();
    facts.asked(until, queues, tick);
    for queue in 0..queues {
        facts.read_back(queue, number);
    }
}

#[test]
fn without_any_source_nothing_is_known_to_be_complete() {
    let mut facts = facts(Freshness::default());
    assert_eq!(facts.marker_would_show(Some(1), at(9), secs(9)), None);
    assert_eq!(facts.complete_until(), NEVER);
}

#[test]
fn it_takes_the_heartbeat_of_every_source_and_a_marker_after_it() {
    let mut facts = of(&["/a", "/b"]);
    facts.heartbeat("/a", at(10), at(11));
    assert_eq!(facts.marker_would_show(Some(1), at(12), secs(12)), None, "/b never said anything");
    facts.heartbeat("/b", at(20), at(21));
    assert_eq!(facts.complete_until(), NEVER, "no queue was read");
    round(&mut facts, 30, 1);
    assert_eq!(facts.complete_until(), at(10), "the one that said less counts");
    facts.heartbeat("/a", at(40), at(40));
    assert_eq!(facts.complete_until(), at(10), "that one was read after the marker was written");
    round(&mut facts, 50, 1);
    assert_eq!(facts.complete_until(), at(20));
}

#[test]
fn a_heartbeat_never_goes_back_nor_beyond_the_instant_at_which_it_was_read() {
    let mut facts = of(&["/a"]);
    assert!(facts.heartbeat("/a", at(999), at(10)).is_some());
    assert!(facts.heartbeat("/a", at(5), at(11)).is_none());
    assert!(facts.heartbeat("/a", at(10), at(12)).is_none(), "no news, nothing to keep");
    round(&mut facts, 500, 1);
    assert_eq!(facts.complete_until(), at(10));
}

#[test]
fn a_marker_counts_once_it_came_out_of_every_queue() {
    let mut facts = of(&["/a"]);
    facts.heartbeat("/a", at(10), at(10));
    let until = facts.marker_would_show(Some(1), at(20), secs(20)).unwrap();
    let number = facts.next_marker();
    facts.asked(until, 3, secs(20));
    facts.read_back(0, number);
    facts.read_back(0, number);
    facts.read_back(2, number);
    assert_eq!(facts.complete_until(), NEVER);
    facts.read_back(1, number + 1);
    assert_eq!(facts.complete_until(), NEVER, "nobody asked for that one");
    facts.read_back(1, number);
    assert_eq!(facts.complete_until(), at(10));
}

#[test]
fn queue_only_needs_the_marker_and_nothing_of_the_source() {
    let mut facts = facts(listed(&[("/quiet", Proof::QueueOnly)]));
    assert_eq!(facts.complete_until(), NEVER);
    round(&mut facts, 30, 2);
    assert_eq!(facts.complete_until(), at(30));
    // Another one turns up, which nobody excused.
    facts.heard("/new", at(31));
    assert_eq!(facts.complete_until(), NEVER);
    facts.heartbeat("/new", at(40), at(40));
    round(&mut facts, 60, 2);
    assert_eq!(facts.complete_until(), at(40));
}

#[test]
fn a_listed_source_that_never_sent_anything_is_waited_for() {
    let mut facts = facts(listed(&[("/a", Proof::Heartbeat)]));
    facts.heard("/b", at(0));
    facts.heartbeat("/b", at(10), at(10));
    assert_eq!(facts.marker_would_show(Some(1), at(20), secs(20)), None);
}

#[test]
fn a_source_that_is_no_longer_listed_where_only_those_count_is_not_waited_for() {
    let mut settings = listed(&[("/a", Proof::Heartbeat)]);
    settings.sources.only_listed = true;
    let old = Known { first_seen: at(0), heartbeat: None };
    let mut facts = Facts::new(settings, BTreeMap::from([("/old".to_owned(), old)]), true);
    facts.heard("/a", at(0));
    facts.heartbeat("/a", at(10), at(10));
    round(&mut facts, 20, 1);
    assert_eq!(facts.complete_until(), at(10));
}

#[test]
fn a_new_session_and_a_clock_that_jumped_forget_what_is_under_way() {
    let mut facts = of(&["/a"]);
    facts.heartbeat("/a", at(10), at(10));
    let until = facts.marker_would_show(Some(1), at(20), secs(20)).unwrap();
    facts.asked(until, 1, secs(20));
    assert_eq!(facts.marker_would_show(None, at(30), secs(30)), None, "nobody consumes");
    assert!(facts.marker_would_show(Some(2), at(30), secs(30)).is_some(), "it is asked for anew");
    facts.read_back(0, 1);
    assert_eq!(facts.complete_until(), NEVER);
    round(&mut facts, 40, 1);
    assert_eq!(facts.complete_until(), at(10));
    facts.distrust();
    assert_eq!(facts.complete_until(), NEVER);
}

#[test]
fn markers_are_few_and_one_that_is_lost_is_asked_for_again() {
    let mut facts = of(&["/a"]);
    facts.heartbeat("/a", at(10), at(10));
    let ask = |facts: &mut Facts, tick: u64| {
        let until = facts.marker_would_show(Some(1), at(2000), secs(tick))?;
        facts.asked(until, 1, secs(tick));
        Some(facts.next_marker() - 1)
    };
    assert_eq!(ask(&mut facts, 100), Some(1));
    assert_eq!(ask(&mut facts, 159), None, "it is under way");
    assert_eq!(ask(&mut facts, 160), Some(2));
    assert_eq!(ask(&mut facts, 279), None, "the queues are long");
    assert_eq!(ask(&mut facts, 280), Some(3));
    facts.read_back(0, 2);
    assert_eq!(facts.complete_until(), at(10));
    assert_eq!(facts.rounds.len(), 1, "the third is still under way");
    assert_eq!(ask(&mut facts, 400), None, "it would tell nothing new");
    facts.heartbeat("/a", at(300), at(300));
    facts.read_back(0, 3);
    assert_eq!(ask(&mut facts, 284), None, "too soon after the last one");
    assert_eq!(ask(&mut facts, 285), Some(4));
}

#[test]
fn the_end_of_the_input_counts_as_both() {
    let mut facts = of(&["/a"]);
    facts.end();
    assert_eq!(facts.complete_until(), ALWAYS);
    assert_eq!(facts.silence(at(9999)), None);
    assert_eq!(facts.marker_would_show(Some(1), at(9), secs(9)), None);
}

#[test]
fn more_sources_than_are_remembered_hold_everything() {
    let mut settings = listed(&[("/listed", Proof::QueueOnly)]);
    settings.sources_max = 2;
    let mut facts = facts(settings);
    assert!(matches!(facts.heard("/listed", at(0)), Heard::First(_)));
    assert!(matches!(facts.heard("/1", at(0)), Heard::First(_)));
    assert!(matches!(facts.heard("/2", at(0)), Heard::First(_)));
    assert_eq!(facts.heard("/3", at(0)), Heard::OneTooMany);
    assert_eq!(facts.heard("/4", at(0)), Heard::Before);
    facts.heartbeat("/1", at(10), at(10));
    facts.heartbeat("/2", at(10), at(10));
    assert_eq!(facts.heartbeat("/3", at(10), at(10)), None);
    assert!(facts.has_too_many());
    assert_eq!(facts.marker_would_show(Some(1), at(20), secs(20)), None);
}

#[test]
fn who_is_silent_for_longest_is_named_and_the_others_are_counted() {
    let mut facts = of(&["/a", "/b", "/c"]);
    for (source, said) in [("/a", 10), ("/b", 500), ("/c", 20)] {
        facts.heartbeat(source, at(said), at(said));
    }
    let silence = facts.silence(at(600)).unwrap();
    assert_eq!((silence.source.as_str(), silence.since, silence.count), ("/a", Some(at(10)), 2));
    facts.heard("/d", at(600));
    assert_eq!(facts.silence(at(600)).unwrap().since, None);
}
