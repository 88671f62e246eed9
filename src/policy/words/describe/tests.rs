//! Every part of a policy is said, once.

use super::*;
use crate::policy::Policies;

fn policy_of(id: &str) -> Policy {
    Policies::shipped().set.newest(&id.into()).expect("it ships").clone()
}

fn words_of(id: &str) -> String {
    let mut text = String::new();
    for section in describe(&policy_of(id)) {
        for line in section.lines {
            text += &format!("{}: {}: {}", section.title, line.head, line.text);
            text += &format!(" [{}]\n", line.notes.join("; "));
        }
    }
    text
}

#[test]
fn a_step_for_several_causes_is_said_once_with_all_of_them() {
    let words = words_of("tencent-cvm-prepaid");
    let step = "at 00:00 on day 8 after the latest of expiry and entry into the phase [only \
                where the clock brought it there or it was taken over there;";
    assert_eq!(words.matches(step).count(), 1, "{words}");
    assert_eq!(words.matches("recycled -> released").count(), 2, "{words}");
}

#[test]
fn every_part_of_a_policy_is_told() {
    let words = words_of("alibaba-ecs-subscription");
    for part in [
        "Phases: grace: unpaid: not paid for, still working",
        "What the clock does: grace -> stopped: 15 days after expiry [does: shutdown",
        "What brings it back: stopped -> active: when it is renewed [does: start",
        "Notices: renewal-reminder: by e-mail [7 days before expiry; only with auto-renewal on",
        "Notices: expired: by e-mail and SMS [with active -> stopped; rules: REN-6]",
        "Charge attempts: 5 of 5: at 08:00 on day 14 after expiry",
        "may be answered until 18:00 on that day",
        "coupon, balance, card",
        "Renewal: by the customer: for 1 to 9 or 12 months",
        "for 1, 2, 3, 6 or 12 months; without a choice for 12 months if 12 were bought, else \
         for 1 month",
        "in stopped it starts at the renewal",
    ] {
        assert!(words.contains(part), "{part} is missing in\n{words}");
    }
    let words = words_of("tencent-cvm-postpaid-15d");
    for part in [
        "Look at the balance: daily: at 10:00 [sends `balance-warning` if the balance lasts \
         less than 5 days",
        "Termination by the customer: to the bin: recycled for 2 hours, then released",
        "keeps, and it may cost: elastic_ip",
        "[when arrears begin, or a resource arrives in them;",
    ] {
        assert!(words.contains(part), "{part} is missing in\n{words}");
    }
}

#[test]
fn working_days_and_quiet_hours_are_told_with_what_waits_for_them() {
    let words = words_of("recommended-prepaid");
    for part in [
        "grace -> stopped: 1 day after expiry, not before 2 hours after entry into the phase [",
        "at 10:00 on day 15 after entry into the phase, not before 14 days after entry into the \
         phase, on a working day [does: release;",
        "Days without work: every week: Saturday and Sunday []",
        "Days without work: holidays: 2026-01-01, 2026-01-02,",
        "Days without work: holidays: 2027-01-01,",
        "Quiet hours: every day: from 21:00 to 08:00 [what goes out by SMS waits for their end, as \
         it was decided]",
    ] {
        assert!(words.contains(part), "{part} is missing in\n{words}");
    }
    for date in &policy_of("recommended-prepaid").working_days.holidays {
        assert_eq!(words.matches(&date.to_string()).count(), 1, "{date} in\n{words}");
    }
}

#[test]
fn notices_say_what_sets_them_off() {
    let words = words_of("recommended-prepaid") + &words_of("recommended-postpaid");
    for part in [
        "release-warning: by e-mail and SMS [7 days before the step to released; 3 days before the \
         step to released; 1 day before the step to released; only in stopped or recycled]",
        "renewed: by e-mail [with every new term that dunlin decided]",
        "restored: by e-mail and SMS [with every move back into a working phase]",
        "terminated: by e-mail and SMS [with the move that a customer's termination makes]",
        "termination-scheduled: by e-mail and SMS [when a termination is set for an instant]",
        "returned: by e-mail and SMS [with the move that a customer's return makes]",
    ] {
        assert!(words.contains(part), "{part} is missing in\n{words}");
    }
}

#[test]
fn returns_downgrades_and_synchronised_expiries_are_told() {
    let words = words_of("tencent-cvm-prepaid");
    for part in [
        "Return by the customer: when: until the end of day 5 after the purchase [never: bought \
         postpaid and converted, looks like abuse; unconditionally only: instance family SN2, \
         instance family CN2, instance family FX2, zone guangzhou-open, bought in a promotion]",
        "unconditional: 1 an account, ever: what was paid goes back to where it came from",
        "ordinary: 3 more an account, ever: what is left after use, as a voucher for 2 years",
        "Return by the customer: to the bin: recycled [does: shutdown, stop_billing; detaches: \
         load_balancer,",
    ] {
        assert!(words.contains(part), "{part} is missing in\n{words}");
    }
    let words = words_of("alibaba-ecs-subscription");
    for part in [
        "requests of one attempt are spread over 9 hours",
        "with a downgrade: from 15 days before expiry until the release [up to expiry may change: \
         instance_type, bandwidth, network_billing, data_disk_billing; after expiry may change, and \
         the new term starts at the renewal: bandwidth, network_billing, data_disk_billing; \
         network_billing only from bandwidth to traffic]",
        "Synchronised expiries: by the customer: several resources at once, to one day of the \
         month: 1 to 28 [each expiry goes to the first such day, 00:00, at least one calendar \
         month after it; one resource that cannot stops them all]",
    ] {
        assert!(words.contains(part), "{part} is missing in\n{words}");
    }
}
