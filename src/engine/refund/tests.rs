//! The four cases of the source document to the cent with their terms, and the arithmetic around them.

use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec;

use super::*;
use crate::engine::hold::Holds;
use crate::engine::input::{Network, Traits};
use crate::engine::policy::Cause;

const BOUGHT: &str = "2026-03-01T02:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn order(id: &str, kind: OrderKind, cash: &str, starts_at: &str) -> Order {
    Order {
        id: id.into(),
        kind,
        cash: decimal(cash),
        revenue: Decimal::ZERO,
        complimentary: Decimal::ZERO,
        vouchers: decimal("100.00"),
        starts_at: at(starts_at),
        term_days: 365,
    }
}

/// 51 CNY a month, a year at 17% off, 100 CNY of it paid with a voucher: the example of the document.
fn resource(more: &[Order]) -> Resource {
    let mut orders = vec![order("o-1", OrderKind::New, "407.96", BOUGHT)];
    orders.extend_from_slice(more);
    Resource {
        id: "ins-1".into(),
        account: "acc-1".into(),
        policy: PolicyKey { id: "p".into(), version: 1 },
        phase: "active".into(),
        entered_at: at(BOUGHT),
        entered_by: Cause::Start,
        activated_at: at(BOUGHT),
        traits: Traits {
            price: Some(decimal("51.00")),
            hourly_price: Some(decimal("0.42")),
            ..Traits::default()
        },
        purchased_at: Some(at(BOUGHT)),
        orders,
        term: None,
        arrears_since: None,
        arrears_known_at: None,
        slots_until: at(BOUGHT),
        told: BTreeMap::new(),
        auto_renew: None,
        auto_months: None,
        schedule: None,
        asked: None,
        charges: vec![],
        detached: vec![],
        promised: BTreeMap::new(),
        named: BTreeMap::new(),
        notified: BTreeMap::new(),
        hand: Default::default(),
        holds: Holds::default(),
        held: None,
        held_before: vec![],
        gated: None,
        sequence: 0,
        wake_at: None,
    }
}

fn question<'r>(resource: &'r Resource, returned: &str) -> Question<'r> {
    let currency = "CNY".parse().expect("a currency");
    Question { resource, at: at(returned), zone: Tz::Asia__Shanghai, currency }
}

/// The amount of an ordinary return and its terms, in short.
fn ordinary_of(resource: &Resource, returned: &str) -> (String, Vec<(RefundPart, String)>) {
    let question = question(resource, returned);
    let terms = ordinary(question).expect("can be counted");
    let amount = amount(&terms, question.currency).expect("fits").amount.to_string();
    let short = |term: &RefundTerm| (term.what, term.amount.round_dp(4).normalize().to_string());
    (amount, terms.iter().map(short).collect())
}

#[test]
fn case_1_of_the_document_pays_everything_back_to_where_it_came_from() {
    let resource = resource(&[]);
    let (terms, tenders) =
        unconditional(question(&resource, "2026-03-03T02:00:00Z")).expect("can be counted");
    assert_eq!(terms.len(), 1);
    assert_eq!((terms[0].what, terms[0].amount), (RefundPart::EffectiveOrder, decimal("407.96")));
    assert_eq!(tenders, Tenders { cash: decimal("407.96"), ..Tenders::default() });
}

#[test]
fn case_2_of_the_document_takes_off_48_hours() {
    let (amount, terms) = ordinary_of(&resource(&[]), "2026-03-03T02:00:00Z");
    assert_eq!(amount, "387.80");
    let expected = [
        (RefundPart::EffectiveOrder, "407.96".to_string()),
        (RefundPart::InstanceHours, "-20.16".to_string()),
    ];
    assert_eq!(terms, expected);
}

#[test]
fn case_3_of_the_document_adds_the_renewal_that_is_not_in_effect_yet() {
    let renewal = order("o-2", OrderKind::Renewal, "507.96", "2027-03-01T02:00:00Z");
    let (amount, terms) = ordinary_of(&resource(&[renewal]), "2026-03-03T02:00:00Z");
    assert_eq!(amount, "895.76");
    assert_eq!(terms[1], (RefundPart::FutureOrder, "507.96".to_string()));
}

#[test]
fn case_4_of_the_document_refunds_an_upgrade_by_whole_days() {
    let upgrade = order("o-3", OrderKind::Upgrade, "100.00", "2026-03-01T14:00:00Z");
    let resource = resource(&[upgrade]);
    let (amount, terms) = ordinary_of(&resource, "2026-03-04T02:00:00Z");
    assert_eq!(amount, "502.10");
    let expected = [
        (RefundPart::EffectiveOrder, "407.96".to_string()),
        (RefundPart::UnusedUpgrade, "99.1781".to_string()),
        (RefundPart::InstanceHours, "-5.04".to_string()),
    ];
    assert_eq!(terms, expected);
    let exact = ordinary(question(&resource, "2026-03-04T02:00:00Z")).expect("can be counted");
    let factors = Factors { price: decimal("100.00"), count: 362, of: 365 };
    assert_eq!(exact[1].factors, Some(factors), "60 hours of use are three days");
}

#[test]
fn use_is_counted_to_the_second() {
    let (amount, terms) = ordinary_of(&resource(&[]), "2026-03-01T02:00:01Z");
    assert_eq!(terms[1].1, "-0.0001");
    assert_eq!(amount, "407.96");
    let (amount, _) = ordinary_of(&resource(&[]), "2026-03-01T02:01:00Z");
    assert_eq!(amount, "407.95", "a minute is 0.007, rounded once at the end");
}

#[test]
fn the_one_rounding_is_half_up() {
    let mut resource = resource(&[]);
    resource.traits.hourly_price = Some(decimal("0.005"));
    // 407.96 - 0.005 = 407.955
    assert_eq!(ordinary_of(&resource, "2026-03-01T03:00:00Z").0, "407.96");
}

#[test]
fn after_more_than_a_month_use_is_counted_by_begun_months() {
    let resource = resource(&[]);
    // A month to the second is still counted by the hour: 31 days.
    let (_, terms) = ordinary_of(&resource, "2026-04-01T02:00:00Z");
    assert_eq!(terms[1], (RefundPart::InstanceHours, "-312.48".to_string()));
    let (_, terms) = ordinary_of(&resource, "2026-04-01T02:00:01Z");
    assert_eq!(terms[1], (RefundPart::InstanceMonths, "-102".to_string()));
}

#[test]
fn bandwidth_is_counted_by_the_hour_up_to_a_change_and_never_where_it_is_postpaid() {
    let with = |billing, changed_at: Option<&str>| {
        let mut resource = resource(&[]);
        let hourly_price = Some(decimal("0.10"));
        let changed_at = changed_at.map(at);
        resource.traits.network = Some(Network { billing, hourly_price, changed_at });
        let (_, terms) = ordinary_of(&resource, "2026-03-03T02:00:00Z");
        terms.into_iter().find(|(what, _)| *what == RefundPart::BandwidthHours).map(|(_, sum)| sum)
    };
    assert_eq!(with(NetworkBilling::Postpaid, None), None);
    assert_eq!(with(NetworkBilling::Bandwidth, None).as_deref(), Some("-4.8"));
    assert_eq!(with(NetworkBilling::Traffic, None), None);
    let changed = with(NetworkBilling::Traffic, Some("2026-03-01T12:00:00Z"));
    assert_eq!(changed.as_deref(), Some("-1"));
    // Before it was bought, nothing was by bandwidth.
    assert_eq!(with(NetworkBilling::Traffic, Some("2026-02-01T00:00:00Z")), None);
}

#[test]
fn what_was_used_after_a_change_of_billing_comes_out_of_gifts_first() {
    let mut resource = resource(&[]);
    resource.orders[0].cash = decimal("5.00");
    resource.orders[0].revenue = decimal("5.00");
    resource.orders[0].complimentary = decimal("5.00");
    resource.traits.network = Some(Network {
        billing: NetworkBilling::Traffic,
        hourly_price: Some(decimal("0.08")),
        changed_at: Some(at("2026-03-01T18:00:00Z")),
    });
    // 16 hours at 0.42 and at 0.08 are 8.00: all of the gift and 3.00 of the revenue.
    let question = question(&resource, "2026-03-03T02:00:00Z");
    let (terms, tenders) = unconditional(question).expect("can be counted");
    assert_eq!(amount(&terms, question.currency).expect("fits").amount, decimal("7.00"));
    let expected =
        Tenders { cash: decimal("5"), revenue: decimal("2"), complimentary: Decimal::ZERO };
    assert_eq!(tenders, expected);
}

#[test]
fn without_a_price_nothing_is_guessed() {
    let mut unpriced = resource(&[]);
    unpriced.traits.hourly_price = None;
    let missing = ordinary(question(&unpriced, "2026-03-03T02:00:00Z")).expect_err("no price");
    assert!(missing.starts_with("hourly_price:"), "{missing}");
    let mut unpriced = resource(&[]);
    unpriced.traits.price = None;
    let missing = ordinary(question(&unpriced, "2026-05-03T02:00:00Z")).expect_err("no price");
    assert!(missing.starts_with("price:"), "{missing}");
    let mut unpriced = resource(&[]);
    let billing = NetworkBilling::Bandwidth;
    unpriced.traits.network = Some(Network { billing, hourly_price: None, changed_at: None });
    let missing = ordinary(question(&unpriced, "2026-03-03T02:00:00Z")).expect_err("no price");
    assert!(missing.starts_with("network.hourly_price:"), "{missing}");
}

#[test]
fn sums_that_no_decimal_holds_are_refused() {
    let huge = order("o-2", OrderKind::Renewal, &Decimal::MAX.to_string(), "2027-03-01T02:00:00Z");
    let missing = ordinary(question(&resource(&[huge.clone(), huge]), "2026-03-03T02:00:00Z"))
        .and_then(|terms| amount(&terms, "CNY".parse().expect("a currency")));
    assert_eq!(missing, Err(TOO_LARGE));
}
