//! Customers who end, begin or combine things.

use super::item::{hourly, hourly_older, network, prepaid, prepaid_for};
use super::story::{Act, Story};

pub(super) fn stories() -> Vec<Story> {
    vec![terminates(), tries_for_a_week(), has_everything(), switches_auto_renewal_on()]
}

/// Into the bin and out of it, at once, on schedule, and not after all.
fn terminates() -> Story {
    let people = [("Rune Dalgaard", "rune.dalgaard", None), ("Tessa Moreau", "tessa", None)];
    Story::new("acc-1015", ("Driftglass Simulations", "driftglass"), "en", &people)
        .balance("2000.00")
        .billed(24, 18)
        .owns(hourly("web-1", "0.34").with(&["elastic_ip"]))
        .owns(hourly("web-2", "0.34").with(&["elastic_ip"]))
        .owns(hourly("batch-1", "0.68").elastic_disk())
        .owns(hourly("batch-2", "0.68").elastic_disk())
        .owns(hourly("batch-3", "0.68"))
        .on(5, "10:00", Act::Terminates(&["batch-1", "batch-2"], "recycle"))
        .on(5, "10:50", Act::Restores("batch-2"))
        .on(9, "15:00", Act::Terminates(&["batch-3"], "immediate"))
        .on(12, "11:00", Act::Schedules("web-1", (20, "03:00:00")))
        .on(12, "11:02", Act::Schedules("web-2", (25, "02:00:00")))
        .on(22, "09:00", Act::CancelsSchedule("web-2"))
}

/// New in the middle of the month, and billed every hour.
fn tries_for_a_week() -> Story {
    let people = [("温如言", "ruyan.wen", None)];
    Story::new("acc-1019", ("萤石手作", "yingshi-craft"), "zh-CN", &people)
        .opens((16, "10:12"))
        .balance("30.00")
        .billed(1, 0)
        .on(16, "10:30", Act::Buys(hourly("trial-1", "0.34").with(&["elastic_ip"])))
        .on(17, "14:00", Act::TopUp("50.00"))
        .on(22, "18:00", Act::Terminates(&["trial-1"], "immediate"))
}

/// The largest: everything is paid in time, by hand or by itself.
fn has_everything() -> Story {
    let people = [
        ("Philippa Gate", "philippa.gate", None),
        ("Otto Brenner", "otto.brenner", None),
        ("宋怀瑾", "huaijin.song", Some("zh-CN")),
    ];
    let shop = |name| prepaid(name, "310.00", (18, "09:00")).with(&["load_balancer"]);
    let data = |name| prepaid(name, "640.00", (28, "12:00")).auto_renewed(6).elastic_disk();
    Story::new("acc-1020", ("Ambergate Outfitters", "ambergate"), "en", &people)
        .balance("60000.00")
        .billed(12, 6)
        .owns(shop("shop-1"))
        .owns(shop("shop-2"))
        .owns(shop("shop-3"))
        .owns(shop("shop-4"))
        .owns(data("db-primary"))
        .owns(data("db-replica"))
        .owns(hourly("peak-1", "1.20").with(&["load_balancer"]))
        .owns(hourly("peak-2", "1.20").with(&["load_balancer"]))
        .owns(hourly("reports", "0.68"))
        .owns(network("storefront", "40.00"))
        .on(10, "15:15", Act::Joins(("Lea Marchetti", "lea.marchetti", None)))
        .on(15, "10:00", Act::Renewed(&["shop-1", "shop-2", "shop-3", "shop-4"], 12))
        .on(21, "09:05", Act::Buys(prepaid_for("shop-5", "310.00", 3).with(&["load_balancer"])))
        .on(28, "00:02", Act::Paid("db-primary"))
        .on(28, "00:03", Act::Paid("db-replica"))
}

/// Decides for auto-renewal days before the end, half an hour after midnight. Moves a server elsewhere.
fn switches_auto_renewal_on() -> Story {
    let people = [("江照野", "zhaoye.jiang", None), ("Linnea Berg", "linnea.berg", Some("en"))];
    Story::new("acc-1024", ("梧桐巷数据", "wutong-data"), "zh-Hans-CN", &people)
        .balance("1500.00")
        .billed(24, 17)
        .owns(prepaid("warehouse", "260.00", (26, "00:30")).elastic_disk())
        .owns(hourly_older("scratch", "0.27"))
        .on(21, "10:40", Act::SetsAutoRenew("warehouse", 3))
        .on(23, "15:20", Act::Removed("scratch"))
        .on(25, "23:34", Act::Paid("warehouse"))
}
