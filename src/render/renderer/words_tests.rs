//! What the notices of the whole lifecycle say by what they hold, and that they say nothing that is not so.

use crate::engine::effect::{Notice, PaidBack};
use crate::engine::money::Money;
use crate::engine::refund::{Payout, RefundMethod, Tenders};
use crate::render::fixture::{brand, contact, instant, money, notice};
use crate::render::{Limits, Renderer, Templates};

/// Kinds that tell of one episode's course, in the order in which a customer meets them.
pub(super) const COURSE: [&str; 10] = [
    "renewal-reminder",
    "charge-failed",
    "renewed",
    "stopped",
    "release-warning",
    "reclaimed",
    "restored",
    "terminated",
    "termination-scheduled",
    "returned",
];

fn renderer() -> Renderer {
    Renderer::new(Templates::shipped(), "en", brand(), Limits::default()).expect("shipped")
}

/// Subject and text part, without the greeting and the footer that all share.
pub(super) fn said(notice: &Notice, tag: &str) -> String {
    let email = renderer().render_email(notice, &contact(), tag).expect("rendered");
    let body = email.text.split_once("\n\n").map_or("", |(_, body)| body);
    let body = body.split_once("\n--\n").map_or(body, |(body, _)| body);
    format!("# {}\n{}\n", email.subject, body.trim_end())
}

/// All that an e-mail and a text message say, in both languages.
fn everywhere(notice: &Notice) -> Vec<String> {
    let render = |tag: &str| {
        let email = renderer().render_email(notice, &contact(), tag).expect("rendered");
        let sms = renderer().render_sms(notice, &contact(), tag).expect("rendered");
        [email.subject, email.text, email.html, sms.text]
    };
    ["en", "zh"].into_iter().flat_map(render).collect()
}

#[test]
fn no_notice_speaks_of_debt_or_writes_a_currency_sign() {
    for kind in COURSE {
        for text in everywhere(&notice(kind, 3)) {
            for unfit in ["催", "欠款", "逾期", "¥", "￥", "$", "debt", "overdue", " owe"] {
                assert!(!text.to_lowercase().contains(unfit), "{kind}: {unfit} in {text}");
            }
        }
    }
}

#[test]
fn english_text_messages_stay_in_the_small_alphabet() {
    for kind in COURSE {
        for resources in [1, 2, 50] {
            let sms = renderer().render_sms(&notice(kind, resources), &contact(), "en");
            assert_eq!(sms.expect(kind).encoding.name(), "GSM-7", "{kind}");
        }
    }
}

#[test]
fn a_last_attempt_says_that_there_is_no_other_and_what_comes_then() {
    let mut last = notice("charge-failed", 1);
    last.items[0].attempt = Some(5);
    last.items[0].next_attempt_at = None;
    for text in everywhere(&last) {
        assert!(!text.contains("2026-03-10 08:00"), "{text}");
    }
    let said = said(&last, "en");
    for words in [
        "There is no further attempt. Please renew it before 2026-03-25 15:30 (UTC+8).",
        "Next attempt: none",
        "Attempt 5 of 5 failed. No further attempt.",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert!(
        self::said(&last, "zh")
            .contains("系统不再自动扣款，请在 2026-03-25 15:30 (UTC+8) 前手动续费。")
    );
}

#[test]
fn attempts_that_go_on_for_some_are_not_promised_for_all() {
    let mut mixed = notice("charge-failed", 2);
    mixed.items[1].next_attempt_at = None;
    assert!(said(&mixed, "en").contains("another attempt for 1 of them and none for the others"));
    assert!(said(&mixed, "zh").contains("系统将对其中 1 个资源再次扣款，其余资源不再自动扣款"));
}

#[test]
fn a_stop_names_its_reason_and_its_remedy() {
    let mut expired = notice("stopped", 1);
    expired.items[0].expires_at = Some(instant("2026-03-10T07:30:00Z"));
    assert!(said(&expired, "en").contains("because it was not renewed"));
    let mut arrears = notice("stopped", 1);
    arrears.arrears_since = Some(arrears.at);
    arrears.balance = Some(money("-12.5"));
    let said = said(&arrears, "en");
    assert!(said.contains("because the balance of your account is below zero"), "{said}");
    assert!(said.contains("Top up: more than 12.50 CNY") && !said.contains("Renew"), "{said}");
}

fn paid_back(amount: &str, payout: Payout) -> PaidBack {
    PaidBack { method: RefundMethod::Ordinary, amount: money(amount), payout }
}

#[test]
fn a_refund_says_how_it_is_paid_and_nothing_where_there_is_nothing() {
    let returned = |refund| {
        let mut returned = notice("returned", 1);
        returned.items[0].refund = Some(refund);
        returned
    };
    let valid_until = instant("2028-03-10T07:30:00Z");
    let voucher = returned(paid_back("387.80", Payout::Voucher { valid_until }));
    for text in everywhere(&voucher).into_iter().filter(|text| text.contains("387.80")) {
        assert!(text.contains("2028-03-10 15:30 (UTC+8)"), "{text}");
    }
    assert_eq!(everywhere(&voucher).iter().filter(|text| text.contains("387.80")).count(), 6);
    let nothing = returned(paid_back("0", Payout::Voucher { valid_until }));
    for text in everywhere(&nothing) {
        assert!(
            !text.contains("2028") && !text.contains("voucher") && !text.contains("代金券"),
            "{text}"
        );
    }
    let none = returned(paid_back("0", Payout::Tenders(Tenders::default())));
    assert!(said(&none, "en").contains("Refund: 0.00 CNY\n"), "{}", said(&none, "en"));
}

#[test]
fn refunds_of_several_are_added_up_and_those_of_two_currencies_are_not_told() {
    let mut returned = notice("returned", 3);
    assert!(said(&returned, "en").contains("Refund, in total: 384.00 CNY"));
    let dollars = Money { currency: "USD".parse().expect("code"), ..money("1") };
    let refund = returned.items[2].refund.as_mut().expect("it has one");
    refund.amount = dollars;
    let error = renderer().render_email(&returned, &contact(), "en").expect_err("no sum");
    assert_eq!(error.to_string(), "notice `returned`: it has no `refunded`");
}

#[test]
fn what_has_to_be_done_again_is_said_once_and_in_words() {
    let mut restored = notice("restored", 1);
    restored.items[0].hints =
        ["configure_detached_again", "remount_load_balancer", "restart_agents"]
            .map(Into::into)
            .into();
    let english = said(&restored, "en");
    assert!(
        english.contains("Please configure this again. Please mount the load balancer again. Please restart agents."),
        "{english}"
    );
    restored.items[0].detached.clear();
    assert!(said(&restored, "en").contains("Please configure again what was detached."));
    assert!(said(&restored, "zh").contains("请重新配置已解除的关联。请重新挂载负载均衡。"));
}

#[test]
fn ends_at_one_instant_have_no_first() {
    let mut scheduled = notice("termination-scheduled", 2);
    assert!(said(&scheduled, "en").contains("will be terminated on 2026-03-10 15:30"));
    scheduled.items[1].ends_at = Some(instant("2026-03-11T07:30:00Z"));
    assert!(said(&scheduled, "en").contains("will be terminated, the first on 2026-03-10 15:30"));
}

#[test]
fn what_is_gone_at_once_is_not_said_to_come_back() {
    let mut terminated = notice("terminated", 1);
    terminated.items[0].class = crate::engine::policy::PhaseClass::Gone;
    terminated.items[0].promises.clear();
    let english = said(&terminated, "en");
    assert!(
        english.contains("It cannot be restored.") && !english.contains("recycle bin"),
        "{english}"
    );
    assert!(said(&terminated, "zh").contains("销毁后无法恢复。"));
}
