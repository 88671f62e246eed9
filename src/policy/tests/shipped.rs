//! The files that ship say what the rules say.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;

use super::Policies;
use crate::engine::id::{NoticeKind, PhaseName, PolicyId};
use crate::engine::input::Flag;
use crate::engine::policy::{
    AllowedChange, Anchor, BalanceCheck, Cause, Channel, ChargeWindow, Charges, Clock, DayTime,
    Deadline, DowngradeRule, Exclusion, ExpirySync, NoticeRule, NoticeTrigger, Offset, PhaseClass,
    Policy, RecoverWhen, Renewal, Step, TermEnd,
};

fn shipped(id: &str) -> Policy {
    let policies = Policies::shipped();
    policies.set.newest(&PolicyId::from(id)).expect("it ships").clone()
}

fn time(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).expect("a time")
}

fn days(days: i32) -> Offset {
    Offset::Span { days, time: TimeDelta::zero() }
}

fn hours(hours: i64) -> Offset {
    Offset::Span { days: 0, time: TimeDelta::hours(hours) }
}

fn deadline(from: Vec<Anchor>, offset: Offset) -> Deadline {
    Deadline { from, offset, at_least: None, working_days_only: false }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn step<'p>(policy: &'p Policy, from: &str, to: &str) -> &'p Step {
    let mut found =
        policy.steps.iter().filter(|step| step.from.as_str() == from && step.to.as_str() == to);
    found.next().expect("there is such a step")
}

fn notice<'p>(policy: &'p Policy, kind: &str) -> &'p NoticeRule {
    policy.notices.iter().find(|rule| rule.kind.as_str() == kind).expect("it is declared")
}

fn classes(policy: &Policy) -> Vec<(&str, PhaseClass)> {
    policy.phases.iter().map(|phase| (phase.name.as_str(), phase.class)).collect()
}

fn ways_back(policy: &Policy) -> Vec<(&str, &str, RecoverWhen)> {
    let way = |way: &'_ crate::engine::policy::Recovery| way.when;
    policy.recoveries.iter().map(|one| (one.from.as_str(), one.to.as_str(), way(one))).collect()
}

fn both() -> Vec<Channel> {
    vec![Channel::Email, Channel::Sms]
}

#[test]
fn every_file_of_the_folder_ships() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config/policies");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of shipped policies")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let shipped: Vec<_> =
        Policies::shipped().texts.iter().map(|text| format!("{}.toml", text.key.id)).collect();
    assert_eq!(shipped, files);
}

#[test]
fn pre_1_and_2_prepaid_warns_before_expiry_and_tells_after() {
    let policy = shipped("tencent-cvm-prepaid");
    assert_eq!((policy.clock, policy.zone), (Clock::Expiry, Tz::Asia__Shanghai));
    let slots = |all: [i32; 4]| NoticeTrigger::Slots {
        anchor: Anchor::Expiry,
        offsets: all.map(days).to_vec(),
    };
    let warning = notice(&policy, "expiry-warning");
    assert_eq!(warning.on, slots([-7, -5, -3, -1]));
    assert_eq!((&warning.phases, &warning.channels), (&vec!["active".into()], &both()));
    let expired = notice(&policy, "expired");
    assert_eq!(expired.on, slots([0, 2, 4, 6]));
    assert_eq!(expired.phases, ["active", "recycled"].map(PhaseName::from));
}

#[test]
fn pre_3_to_5_prepaid_goes_to_the_bin_and_is_released_on_the_eighth_day() {
    let policy = shipped("tencent-cvm-prepaid");
    let bin = step(&policy, "active", "recycled");
    assert_eq!(bin.at, deadline(vec![Anchor::Expiry], days(0)));
    assert_eq!(bin.outcome.actions, ["shutdown", "stop_billing"]);
    assert_eq!(
        bin.outcome.detach,
        names(&[
            "load_balancer",
            "elastic_ip",
            "elastic_disk",
            "auxiliary_nic",
            "basic_network_link"
        ])
    );
    assert!(!bin.irreversible);
    let out: Vec<_> = policy.steps.iter().filter(|step| step.to.as_str() == "released").collect();
    let causes: Vec<_> = out.iter().map(|step| step.when.entered_by).collect();
    assert_eq!(causes, [Some(Cause::Clock), Some(Cause::Import), Some(Cause::Return)]);
    assert!(out.iter().all(|step| step.irreversible));
    assert_eq!(out[0].at.from, [Anchor::Expiry, Anchor::Entry]);
    let expiry: DateTime<Utc> = "2026-03-10T07:30:00Z".parse().expect("an instant");
    let due = out[0].at.offset.from(expiry, policy.zone).map(|due| due.to_rfc3339());
    assert_eq!(due.as_deref(), Some("2026-03-17T16:00:00+00:00"));
    assert_eq!(out[2].at, deadline(vec![Anchor::Entry], days(7)));
    assert_eq!(ways_back(&policy), [("recycled", "active", RecoverWhen::Renewed)]);
}

#[test]
fn pre_6_prepaid_is_charged_once_at_the_latest_an_hour_before_expiry() {
    let policy = shipped("tencent-cvm-prepaid");
    let charges = Charges {
        attempts: vec![DayTime { day: 0, time: time(0) }],
        before_expiry: Some(TimeDelta::hours(1)),
        window: ChargeWindow::Expiry,
        spread: None,
        covered_only: true,
        phases: vec!["active".into()],
        tenders: names(&["balance"]),
        rules: names(&["PRE-6"]),
    };
    assert_eq!(policy.charges, Some(charges));
    let renewal = policy.renewal.expect("it is renewed");
    assert_eq!(renewal.months, [(1, 60)]);
    assert_eq!(renewal.from_request_after, [Cause::Return]);
}

#[test]
fn ret_1_to_6_prepaid_is_returned_within_five_days() {
    let returns = shipped("tencent-cvm-prepaid").returns.expect("it can be returned");
    assert_eq!((returns.bin.as_str(), returns.within_days), ("recycled", 5));
    assert_eq!((returns.unconditional, returns.ordinary, returns.voucher_years), (1, 3, 2));
    let flags = vec![Flag::ConvertedFromPostpaid, Flag::Suspicious];
    assert_eq!(returns.never, Exclusion { flags, ..Exclusion::default() });
    let excluded = Exclusion {
        families: names(&["SN2", "CN2", "FX2"]),
        zones: names(&["guangzhou-open"]),
        flags: vec![Flag::Promotional],
    };
    assert_eq!(returns.never_ordinary, excluded);
    assert!(returns.to_bin.destroy.is_empty(), "it can be renewed out of the bin");
    assert_eq!(returns.to_bin.detach.len(), 5);
}

#[test]
fn post_2_to_5_postpaid_stops_after_two_hours_and_differs_in_the_release_only() {
    let newer = shipped("tencent-cvm-postpaid-15d");
    assert_eq!(
        classes(&newer),
        [
            ("active", PhaseClass::Working),
            ("grace", PhaseClass::Unpaid),
            ("stopped", PhaseClass::Suspended),
            ("recycled", PhaseClass::Retained),
            ("released", PhaseClass::Gone),
        ]
    );
    assert_eq!(step(&newer, "active", "grace").at.offset, days(0));
    let stop = step(&newer, "grace", "stopped");
    assert_eq!(stop.at, deadline(vec![Anchor::Arrears], hours(2)));
    assert_eq!(stop.outcome.detach, ["load_balancer"]);
    let release = step(&newer, "stopped", "released");
    let from = vec![Anchor::Entry, Anchor::Arrears];
    assert_eq!(release.at, deadline(from.clone(), days(15)));
    assert_eq!(release.notice, Some(NoticeKind::from("reclaimed")));
    assert!(release.irreversible);
    assert_eq!(
        ways_back(&newer),
        [
            ("grace", "active", RecoverWhen::BalanceNotNegative),
            ("stopped", "active", RecoverWhen::BalancePositive),
        ]
    );

    let mut older = shipped("tencent-cvm-postpaid-24h");
    let release = older.steps.iter_mut().find(|step| step.from.as_str() == "stopped");
    let release = release.expect("it is released");
    assert_eq!(release.at, deadline(from, hours(24)));
    release.at.offset = days(15);
    for proof in &mut release.proofs {
        assert_eq!(proof.lead, TimeDelta::days(1), "what it leaves after the notice, too");
        proof.lead = TimeDelta::days(15);
    }
    older.key = newer.key.clone();
    older.title.clone_from(&newer.title);
    assert_eq!(older, newer);
}

#[test]
fn post_1_and_term_1_postpaid_looks_at_the_balance_and_keeps_a_bin() {
    let policy = shipped("tencent-cvm-postpaid-15d");
    let check = BalanceCheck {
        at: time(10),
        under: TimeDelta::days(5),
        over: TimeDelta::hours(24),
        at_least: TimeDelta::hours(1),
        notice: "balance-warning".into(),
    };
    assert_eq!(policy.balance_check, Some(check));
    assert_eq!(notice(&policy, "arrears").on, NoticeTrigger::ArrearsStarted);
    let empties = step(&policy, "recycled", "released");
    assert_eq!(empties.when.entered_by, Some(Cause::Termination));
    assert_eq!(empties.at, deadline(vec![Anchor::Entry], hours(2)));
    let termination = policy.termination.expect("it can be terminated");
    assert_eq!((termination.bin, termination.restore_to), ("recycled".into(), "active".into()));
    assert_eq!(termination.bin_for, TimeDelta::hours(2));
    assert_eq!(termination.to_gone.destroy, ["disk"]);
    assert_eq!(termination.to_gone.retain, ["elastic_disk"]);
    assert_eq!(termination.to_gone.retain_billable, ["elastic_ip"]);
}

#[test]
fn net_1_arrears_never_release_a_network() {
    let policy = shipped("tencent-network-traffic");
    assert!(policy.steps.iter().all(|step| policy.class(&step.to) != PhaseClass::Gone));
    assert_eq!(step(&policy, "grace", "out_of_service").at.offset, hours(2));
    assert!(policy.balance_check.is_none() && policy.termination.is_none());
    let back = &policy.recoveries[1];
    assert_eq!(back.when, RecoverWhen::BalancePositive);
    assert_eq!(back.hints, ["check_network_settings", "remount_load_balancer"]);
}

#[test]
fn ren_1_to_9_and_down_1_a_subscription_has_grace_and_five_attempts_where_it_renews_itself() {
    let policy = shipped("alibaba-ecs-subscription");
    let at_expiry = deadline(vec![Anchor::Expiry], days(0));
    let (grace, stop) = (step(&policy, "active", "grace"), step(&policy, "active", "stopped"));
    assert_eq!((&grace.at, grace.when.auto_renew), (&at_expiry, Some(true)));
    assert_eq!((&stop.at, stop.when.auto_renew), (&at_expiry, Some(false)));
    assert_eq!(stop.notice, Some("expired".into()));
    assert_eq!(step(&policy, "grace", "stopped").at.offset, days(15));
    let reminder = notice(&policy, "renewal-reminder");
    assert_eq!((reminder.auto_renew, &reminder.channels), (Some(true), &vec![Channel::Email]));
    assert_eq!(notice(&policy, "charge-failed").on, NoticeTrigger::ChargeFailed);
    let charges = policy.charges.expect("it is charged");
    let at = |day| DayTime { day, time: time(8) };
    assert_eq!(charges.attempts, [-3, -1, 0, 6, 14].map(at));
    assert_eq!(charges.window, ChargeWindow::SameDay(time(18)));
    assert_eq!(charges.spread, Some(TimeDelta::hours(9)));
    let to_traffic = AllowedChange { from: names(&["bandwidth"]), to: names(&["traffic"]) };
    let downgrade = DowngradeRule {
        days_before: 15,
        until_expiry: names(&[
            "instance_type",
            "bandwidth",
            "network_billing",
            "data_disk_billing",
        ]),
        after_expiry: names(&["bandwidth", "network_billing", "data_disk_billing"]),
        changes: [("network_billing".to_owned(), to_traffic)].into(),
    };
    let renewal = Renewal {
        months: vec![(1, 9), (12, 12)],
        auto_months: vec![1, 2, 3, 6, 12],
        auto_months_by_term: Some([(12, 12)].into()),
        from_request_in: vec!["stopped".into()],
        from_request_after: Vec::new(),
        first_term_end: TermEnd::MidnightAfter,
        downgrade: Some(downgrade),
    };
    assert_eq!(policy.renewal, Some(renewal));
    assert_eq!(policy.expiry_sync, Some(ExpirySync { first_day: 1, last_day: 28 }));
}

/// Everything of both recommended policies that the customer's side of the contract rests on.
#[test]
fn the_recommended_ones_keep_what_they_stand_for() {
    for (id, from, due) in [
        ("recommended-prepaid", Anchor::Expiry, vec![Anchor::Entry]),
        ("recommended-postpaid", Anchor::Arrears, vec![Anchor::Entry, Anchor::Arrears]),
    ] {
        let policy = shipped(id);
        // A day of grace, and two hours however late it began.
        let stop = &step(&policy, "grace", "stopped").at;
        assert_eq!((&stop.from, stop.offset), (&vec![from], days(1)));
        assert_eq!(stop.at_least, Some(TimeDelta::hours(2)));
        // Two weeks from the real stop, at ten of a working day.
        let release = &step(&policy, "stopped", "released").at;
        assert_eq!((&release.from, release.at_least), (&due, Some(TimeDelta::days(14))));
        assert_eq!(release.offset, Offset::DayTime { day: 15, time: time(10) });
        let releases = policy.steps.iter().filter(|step| step.irreversible);
        assert!(
            releases.clone().count() > 1 && releases.clone().all(|step| step.at.working_days_only)
        );
        assert_eq!(policy.working_days.weekend, [Weekday::Sat, Weekday::Sun]);
        assert!(policy.working_days.holidays.len() > 20);
        let quiet = policy.quiet_hours.as_ref().expect("nobody is woken");
        assert_eq!((quiet.from, quiet.until), (time(21), time(8)));
        assert_eq!(quiet.channels, [Channel::Sms]);
        // The last warning stands a day before.
        let NoticeTrigger::Ahead { to, offsets } = &notice(&policy, "release-warning").on else {
            panic!("it is ahead of the release");
        };
        assert_eq!((to.as_str(), offsets.last()), ("released", Some(&hours(-24))));
        // Every step that takes something from a working customer says so.
        let hurting = policy.steps.iter().filter(|step| step.from.as_str() != "recycled");
        let hurting = hurting.filter(|step| policy.class(&step.to) > PhaseClass::Unpaid);
        assert!(hurting.clone().count() == 2 && hurting.clone().all(|step| step.notice.is_some()));
    }
}

#[test]
fn the_recommended_ones_tell_of_everything_and_the_literal_ones_of_nothing_new() {
    let news = |id: &str| {
        let policy = shipped(id);
        let is_news = |rule: &&NoticeRule| {
            matches!(
                rule.on,
                NoticeTrigger::Renewed
                    | NoticeTrigger::Restored
                    | NoticeTrigger::Terminated
                    | NoticeTrigger::TerminationScheduled
                    | NoticeTrigger::Returned
            )
        };
        policy.notices.iter().filter(is_news).map(|rule| rule.kind.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(news("recommended-prepaid"), ["renewed", "restored", "returned"]);
    let postpaid = ["restored", "terminated", "termination-scheduled"];
    assert_eq!(news("recommended-postpaid"), postpaid);
    for text in Policies::shipped().texts {
        let id = text.key.id.as_str();
        let policy = shipped(id);
        if !id.starts_with("recommended-") {
            assert!(news(id).is_empty(), "{id}");
            assert!(policy.quiet_hours.is_none() && policy.working_days.weekend.is_empty(), "{id}");
            let plain = |step: &Step| step.at.at_least.is_none() && !step.at.working_days_only;
            assert!(policy.steps.iter().all(plain), "{id}");
        }
    }
}
