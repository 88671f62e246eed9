//! What Prometheus gets to read.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

/// Everything recorded once, and what a scrape then says.
fn scrape(record: impl FnOnce()) -> String {
    let recorder = recorder_builder().expect("the buckets are good").build_recorder();
    metrics::with_local_recorder(&recorder, || {
        describe_metrics();
        record();
    });
    recorder.handle().render()
}

fn record_everything() {
    counter!("dunlin_events_total", "type" => "billing.heartbeat", "outcome" => "committed")
        .increment(1);
    histogram!("dunlin_wake_lateness_seconds").record(2.0);
    show_outbox(3, Duration::from_secs(4));
    count_send("smtp", "sent", Duration::from_millis(30));
    histogram!("dunlin_commit_events").record(17.0);
}

#[test]
fn a_scrape_names_what_was_counted_with_help_and_buckets() {
    let page = scrape(record_everything);
    for line in [
        "# HELP dunlin_events_total Events handled, by type and what became of them.",
        "# TYPE dunlin_events_total counter",
        "dunlin_events_total{type=\"billing.heartbeat\",outcome=\"committed\"} 1",
        "dunlin_wake_lateness_seconds_bucket{le=\"1\"} 0",
        "dunlin_wake_lateness_seconds_bucket{le=\"5\"} 1",
        "dunlin_outbox_pending 3",
        "dunlin_sends_total{channel=\"smtp\",outcome=\"sent\"} 1",
        "dunlin_commit_events_bucket{le=\"25\"} 1",
        concat!("dunlin_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
}

#[test]
fn names_follow_the_convention() {
    let page = scrape(record_everything);
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("name and kind");
        assert!(name.starts_with("dunlin_"), "{line}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
    }
}

/// Metrics that other modules record are in the list too.
#[test]
fn every_metric_in_the_source_is_described() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let list = fs::read_to_string(source.join("telemetry.rs")).expect("this module");
    let described: BTreeSet<_> = ["describe_counter!", "describe_gauge!", "describe_histogram!"]
        .iter()
        .flat_map(|makro| named(&list, makro))
        .collect();
    let mut recorded = BTreeSet::new();
    let mut folders = vec![source];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("source is text");
                for makro in ["counter!", "gauge!", "histogram!"] {
                    recorded.extend(named(&text, makro));
                }
            }
        }
    }
    assert!(recorded.contains("dunlin_events_total"), "the search finds what is there");
    assert_eq!(recorded.difference(&described).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// The names given to `makro`.
fn named(text: &str, makro: &str) -> BTreeSet<String> {
    let opening = format!("{makro}(");
    text.split(&opening)
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
        .map(str::to_owned)
        .collect()
}
