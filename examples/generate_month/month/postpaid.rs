//! Customers who pay by use: with balances that dwindle, and are topped up in time, too late or never.

use super::item::{hourly, hourly_older, network};
use super::story::{Act, Hold, Story};

pub(super) fn stories() -> Vec<Story> {
    vec![
        tops_up_when_warned(),
        pays_in_grace(),
        pays_after_the_stop(),
        never_pays(),
        never_pays_under_the_older_rule(),
        pays_hours_before_the_release(),
        traffic_paid_after_two_days(),
        gives_up_with_a_network(),
        has_enough(),
        asks_in_arrears(),
        in_dispute(),
        pays_exactly_what_is_owed(),
        runs_dry_twice(),
    ]
}

/// Two balance warnings a month, answered each time.
fn tops_up_when_warned() -> Story {
    let people = [("Beatrix Quill", "beatrix.quill", None), ("Samir Noor", "samir.noor", None)];
    Story::new("acc-1001", ("Quillmark Paper Co.", "quillmark"), "en", &people)
        .balance("300.00")
        .billed(24, 9)
        .owns(hourly("web-1", "0.34").with(&["load_balancer", "elastic_ip"]))
        .owns(hourly("web-2", "0.34").with(&["load_balancer"]))
        .owns(hourly("db-primary", "0.68").elastic_disk())
        .on(3, "11:05", Act::Joins(("Greta Solberg", "greta.solberg", None)))
        .on(6, "14:20", Act::TopUp("600.00"))
        .on(24, "11:30", Act::TopUp("600.00"))
}

/// An hour after the deduction that went below zero.
fn pays_in_grace() -> Story {
    let people = [("Nora Whitfield", "nora", None), ("陈思远", "siyuan.chen", Some("zh-CN"))];
    Story::new("acc-1006", ("Larkspur Lane Media", "larkspur-lane"), "en", &people)
        .lasts_until((11, "09:00"))
        .billed(6, 3)
        .owns(hourly("encode-1", "0.34"))
        .owns(hourly("encode-2", "0.34"))
        .owns(hourly("site", "0.12").with(&["load_balancer"]))
        .owns(network("cdn-origin", "8.00"))
        .on(11, "10:20", Act::TopUp("500.00"))
        .on(20, "16:00", Act::TopUp("800.00"))
}

/// Three days of standing still.
fn pays_after_the_stop() -> Story {
    let people = [("苏晚晴", "wanqing.su", None), ("Lukas Behr", "lukas.behr", Some("en"))];
    Story::new("acc-1007", ("苔原气象服务", "taiyuan-weather"), "zh-CN", &people)
        .lasts_until((9, "15:00"))
        .billed(12, 3)
        .owns(hourly("model-1", "0.68"))
        .owns(hourly("api-1", "0.34").with(&["load_balancer"]))
        .owns(hourly("api-2", "0.34").with(&["load_balancer"]))
        .owns(hourly("monitor", "0.12"))
        .on(12, "09:30", Act::TopUp("1000.00"))
}

/// Released after fifteen days.
fn never_pays() -> Story {
    let people = [("Walter Ashdown", "walter.ashdown", None), ("Ines Prado", "ines", None)];
    Story::new("acc-1008", ("Hollow Oak Furniture", "hollow-oak"), "en", &people)
        .lasts_until((13, "00:00"))
        .billed(24, 8)
        .owns(hourly("shop", "0.34").with(&["load_balancer", "elastic_ip"]))
        .owns(hourly("erp", "0.27").elastic_disk())
}

/// Released after a day.
fn never_pays_under_the_older_rule() -> Story {
    let people = [("韩小满", "xiaoman.han", None), ("罗青岚", "qinglan.luo", None)];
    Story::new("acc-1009", ("九盏灯独立游戏", "jiuzhandeng"), "zh-CN", &people)
        .lasts_until((18, "20:00"))
        .billed(12, 8)
        .owns(hourly_older("match-1", "0.27"))
        .owns(hourly_older("match-2", "0.27").elastic_disk())
}

/// Under the older rule too, but paid in the night.
fn pays_hours_before_the_release() -> Story {
    let people = [("许折枝", "zhezhi.xu", None), ("Amara Osei", "amara.osei", Some("en"))];
    Story::new("acc-1010", ("折纸鹤在线课堂", "zhezhihe-class"), "zh-Hans-CN", &people)
        .lasts_until((6, "00:00"))
        .billed(24, 8)
        .owns(hourly_older("class-1", "0.12").with(&["load_balancer"]))
        .owns(hourly_older("class-2", "0.12").with(&["load_balancer"]))
        .owns(hourly_older("class-db", "0.12"))
        .on(7, "06:30", Act::TopUp("400.00"))
}

/// Networks only: out of service, and back.
fn traffic_paid_after_two_days() -> Story {
    let people = [("Callum Reyes", "callum.reyes", None), ("Yuki Ferrand", "yuki", None)];
    Story::new("acc-1011", ("Pebble Ferry Streaming", "pebble-ferry"), "en", &people)
        .lasts_until((14, "06:00"))
        .billed(6, 0)
        .owns(network("edge-south", "12.00"))
        .owns(network("edge-north", "9.00"))
        .owns(network("edge-live", "15.00"))
        .on(16, "09:00", Act::TopUp("1200.00"))
}

/// The servers are released in April; the network stays out of service.
fn gives_up_with_a_network() -> Story {
    let people = [("戴望川", "wangchuan.dai", None), ("魏清和", "qinghe.wei", None)];
    Story::new("acc-1012", ("白鹭渡同城速递", "bailudu-express"), "zh-CN", &people)
        .lasts_until((20, "00:00"))
        .billed(24, 7)
        .owns(hourly("dispatch-1", "0.34").with(&["load_balancer"]))
        .owns(hourly("dispatch-2", "0.34").with(&["load_balancer"]))
        .owns(network("courier-app", "6.00"))
}

/// A foreign currency, and no worries.
fn has_enough() -> Story {
    let people = [("Dana Okafor", "dana.okafor", None), ("Felix Arden", "felix.arden", None)];
    Story::new("acc-1013", ("Copper Kettle Labs", "copper-kettle"), "en", &people)
        .in_usd()
        .balance("900.00")
        .billed(24, 7)
        .owns(hourly("ci-1", "0.05"))
        .owns(hourly("ci-2", "0.05"))
        .owns(hourly("registry", "0.11").elastic_disk())
        .on(10, "16:45", Act::Buys(hourly("ci-3", "0.05")))
}

/// Is refused what cannot be done in arrears; pays, and the pipeline tells it only after the stop.
fn asks_in_arrears() -> Story {
    let people = [("Rosalind Page", "rosalind.page", None), ("Ivo Marchetti", "ivo", None)];
    Story::new("acc-1016", ("Paper Moon Ticketing", "paper-moon"), "en", &people)
        .lasts_until((17, "12:00"))
        .billed(12, 0)
        .owns(hourly("tickets", "0.34").with(&["load_balancer", "elastic_ip"]))
        .owns(hourly("queue", "0.27"))
        .owns(hourly("batch-1", "0.12"))
        .on(17, "13:00", Act::Terminates(&["batch-1"], "recycle"))
        .on(17, "13:10", Act::Releases("queue"))
        .on(17, "13:40", Act::TopUpToldLate("600.00", 95))
        .on(18, "09:30", Act::Terminates(&["batch-1"], "recycle"))
}

/// Support holds every step while a deduction is looked into.
fn in_dispute() -> Story {
    let people = [("Vera Wick", "vera.wick", None), ("何以宁", "yining.he", Some("zh-CN"))];
    let hold = Hold {
        id: "hold-2026-044",
        resource: None,
        reason: "support: double deduction under review",
        all: true,
    };
    Story::new("acc-1018", ("Wickerwork Payments", "wickerwork"), "en", &people)
        .lasts_until((15, "14:00"))
        .billed(12, 2)
        .owns(hourly("ledger-1", "0.34").with(&["load_balancer"]))
        .owns(hourly("ledger-2", "0.34").elastic_disk())
        .on(15, "10:00", Act::Hold(hold))
        .on(17, "15:30", Act::TopUp("360.00"))
        .on(17, "16:00", Act::Lift(hold))
}

/// Zero is not enough to start again.
fn pays_exactly_what_is_owed() -> Story {
    let people = [("叶听雨", "tingyu.ye", None), ("丁一鸣", "yiming.ding", None)];
    Story::new("acc-1022", ("听雨巷茶业", "tingyu-tea"), "zh-CN", &people)
        .lasts_until((10, "00:00"))
        .billed(24, 9)
        .owns(hourly("shop", "0.27").with(&["elastic_ip"]))
        .owns(hourly("stock", "0.12"))
        .on(11, "09:00", Act::SettlesDebt)
        .on(13, "10:00", Act::TopUp("500.00"))
}

/// Pays the first time, and not the second.
fn runs_dry_twice() -> Story {
    let people = [("Alasdair Fern", "alasdair.fern", None), ("Mina Kovacs", "mina", None)];
    Story::new("acc-1023", ("Fernbank Robotics", "fernbank-robotics"), "en", &people)
        .lasts_until((4, "16:00"))
        .billed(12, 4)
        .owns(hourly("fleet-1", "0.34").with(&["load_balancer"]))
        .owns(hourly("fleet-2", "0.27"))
        .on(4, "17:20", Act::TopUp("300.00"))
}
