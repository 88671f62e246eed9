//! Both sides of every boundary, in one table: the second before, at and after.

mod play;
mod story;
mod table;

#[test]
fn every_boundary_is_where_the_rules_put_it() {
    let failures = table::failures();
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

#[test]
fn a_boundary_that_is_elsewhere_is_noticed() {
    // Guards the table: a second off on either side, and a line that never comes.
    let story = "2026-03-01T00:00:00Z prepaid 2026-03-20T06:00:00Z";
    for (at, line) in [
        ("2026-03-20T05:59:59Z", "ins-1 active -> recycled"),
        ("2026-03-20T06:00:01Z", "ins-1 active -> recycled"),
        ("2026-03-20T06:00:00Z", "ins-1 active -> released"),
    ] {
        assert!(play::due(story, at, line).is_err(), "{at} {line}");
    }
    assert!(play::around(story, "renew 1", "2026-03-20T06:00:00Z", ["", "", ""]).is_err());
}
