//! Customers who pay for months in advance.

use super::item::{prepaid, prepaid_for};
use super::story::{Act, Hold, Story};

pub(super) fn stories() -> Vec<Story> {
    vec![
        renews_in_time(),
        renews_itself(),
        never_renews(),
        cannot_cover(),
        renews_at_the_last_minute(),
        before_a_court(),
        taken_over_late(),
        begins_in_march(),
    ]
}

/// Three servers end together, and one notice lists them. All are renewed.
fn renews_in_time() -> Story {
    let people = [
        ("林若溪", "ruoxi.lin", None),
        ("周牧之", "muzhi.zhou", None),
        ("Elena Brandt", "elena.brandt", Some("en")),
    ];
    Story::new("acc-1002", ("蓝鲸邮差科技", "lanjing-post"), "zh-CN", &people)
        .balance("12000.00")
        .owns(prepaid("web-1", "186.00", (12, "15:30")).with(&["load_balancer", "elastic_ip"]))
        .owns(prepaid("web-2", "186.00", (12, "15:30")).with(&["load_balancer"]))
        .owns(prepaid("db-primary", "420.00", (12, "15:30")).elastic_disk())
        .owns(prepaid("cache-1", "96.00", (20, "11:00")))
        .on(8, "10:12", Act::Renewed(&["web-1", "web-2", "db-primary"], 6))
        .on(13, "14:25", Act::Buys(prepaid_for("web-3", "186.00", 6).with(&["load_balancer"])))
        .on(18, "09:40", Act::AsksRenewal("cache-1", 12))
}

/// Auto-renewal: two charges are paid, the balance does not reach for the third, which comes back from the bin.
fn renews_itself() -> Story {
    let people = [("Maren Holt", "maren.holt", None), ("Jonas Pike", "jonas.pike", None)];
    Story::new("acc-1003", ("Tern & Harbour Logistics", "tern-harbour"), "en", &people)
        .balance("2000.00")
        .owns(prepaid("web-1", "186.00", (16, "14:00")).auto_renewed(3).with(&["load_balancer"]))
        .owns(
            prepaid("web-2", "186.00", (16, "14:00"))
                .auto_renewed(3)
                .with(&["load_balancer", "elastic_ip"]),
        )
        .owns(prepaid("db-primary", "420.00", (16, "14:00")).auto_renewed(3).elastic_disk())
        .on(16, "00:03", Act::Paid("web-1"))
        .on(16, "00:04", Act::Paid("db-primary"))
        .on(16, "00:05", Act::Refused("web-2"))
        .on(18, "10:20", Act::TopUp("1000.00"))
        .on(18, "10:31", Act::AsksRenewal("web-2", 3))
}

/// Nobody answers, and the servers go.
fn never_renews() -> Story {
    let people = [("沈嘉禾", "jiahe.shen", None), ("方知远", "zhiyuan.fang", None)];
    Story::new("acc-1004", ("七里渡软件工作室", "qilidu-soft"), "zh-Hans-CN", &people)
        .balance("18.40")
        .owns(prepaid("app-1", "128.00", (8, "10:15")).with(&["elastic_ip"]))
        .owns(prepaid("app-2", "128.00", (8, "10:15")).with(&["elastic_ip", "auxiliary_nic"]))
        .owns(prepaid("staging", "64.00", (10, "18:40")))
}

/// Auto-renewal is on, but the balance does not cover it. Paid and renewed from the bin.
fn cannot_cover() -> Story {
    let people = [("Imogen Marlow", "imogen.marlow", None), ("Theo Lindqvist", "theo", None)];
    Story::new("acc-1005", ("Marlow & Thistle Books", "marlow-thistle"), "en", &people)
        .balance("120.00")
        .owns(prepaid("shop", "96.00", (14, "09:20")).auto_renewed(3).with(&["load_balancer"]))
        .owns(prepaid("search", "96.00", (14, "09:20")).auto_renewed(3))
        .on(17, "11:05", Act::TopUp("900.00"))
        .on(17, "11:12", Act::AsksRenewal("shop", 3))
        .on(17, "11:13", Act::AsksRenewal("search", 3))
}

/// A foreign currency; one server is renewed the day before, the other half an hour before its end.
fn renews_at_the_last_minute() -> Story {
    let people = [("Priya Raman", "priya.raman", None), ("Owen Castell", "owen.castell", None)];
    Story::new("acc-1014", ("Cobalt Heron Analytics", "cobalt-heron"), "en", &people)
        .in_usd()
        .balance("900.00")
        .owns(prepaid("etl-1", "28.00", (24, "22:00")).elastic_disk())
        .owns(prepaid("etl-2", "28.00", (24, "22:00")).elastic_disk())
        .on(23, "09:15", Act::AsksRenewal("etl-1", 12))
        .on(24, "21:30", Act::Renewed(&["etl-2"], 12))
}

/// Never renewed; a court keeps one of the two from being released for a week.
fn before_a_court() -> Story {
    let people = [("顾亦舟", "yizhou.gu", None), ("Hannah Voss", "hannah.voss", Some("en"))];
    let hold = Hold {
        id: "hold-2026-031",
        resource: Some("archive-1"),
        reason: "court order: preserve evidence",
        all: false,
    };
    Story::new("acc-1017", ("远岫影像档案", "yuanxiu-archive"), "zh-CN", &people)
        .balance("3.10")
        .owns(prepaid("archive-1", "210.00", (5, "16:20")).elastic_disk())
        .owns(prepaid("archive-2", "210.00", (5, "16:20")).elastic_disk())
        .on(9, "09:30", Act::Hold(hold))
        .on(20, "14:00", Act::Lift(hold))
}

/// One server was in the bin already when dunlin came, one was about to end, one is given up.
fn taken_over_late() -> Story {
    let people = [("Saoirse Flynn", "saoirse.flynn", None), ("Marek Dvorak", "marek", None)];
    Story::new("acc-1021", ("Saltmarsh Radio", "saltmarsh-radio"), "en", &people)
        .balance("2600.00")
        .owns(prepaid("stream-1", "150.00", (-2, "12:00")).with(&["elastic_ip"]).in_bin())
        .owns(prepaid("studio", "88.00", (3, "08:00")))
        .owns(prepaid("stream-2", "150.00", (27, "20:00")).with(&["elastic_ip"]))
        .on(2, "10:45", Act::AsksRenewal("stream-1", 6))
        .on(2, "19:00", Act::Renewed(&["studio"], 6))
}

/// A whole life: bought for one month, warned, ended and released in April. Its neighbour is renewed in time.
fn begins_in_march() -> Story {
    let people = [("莫小棠", "xiaotang.mo", None), ("Edda Winther", "edda.winther", Some("en"))];
    Story::new("acc-1025", ("海棠坞花房", "haitangwu-flora"), "zh-CN", &people)
        .opens((4, "09:02"))
        .balance("800.00")
        .on(4, "09:30", Act::Buys(prepaid_for("shop", "96.00", 1).with(&["elastic_ip"])))
        .on(4, "09:34", Act::Buys(prepaid_for("campaign", "64.00", 1).with(&["elastic_ip"])))
        .on(30, "10:08", Act::Renewed(&["shop"], 6))
}
