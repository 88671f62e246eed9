//! `dunlin refund quote`: the cases of the source document with their terms, and what cannot be answered.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

/// The events of a trace under `tests/conformance`, as the lines of a file.
fn events_of(trace: &str) -> (tempfile::TempDir, PathBuf) {
    let file = format!("{}/tests/conformance/{trace}.json", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(file).expect("the trace is there");
    let trace: Value = serde_json::from_str(&text).expect("JSON");
    let events = trace["events"].as_array().expect("a list");
    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.jsonl");
    fs::write(&path, lines.join("\n")).expect("written");
    (folder, path)
}

fn quote(arguments: &[&str], file: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dunlin"))
        .args(["refund", "quote"])
        .args(arguments)
        .arg(file)
        .output()
        .expect("dunlin starts")
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[test]
fn the_fourth_case_is_shown_term_by_term() {
    let (_folder, file) = events_of("return-case-4");
    let output = quote(&[], &file);
    assert!(output.status.success());
    insta::assert_snapshot!(said(&output), @r"
    acc-1 ins-0, returned 2026-03-01 03:00:00 UTC: unconditional, 407.96 to cash
      paid for order o-0, in effect                                                         407.96
      refund                                                                                407.96 CNY

    acc-1 ins-1, returned 2026-03-04 02:00:00 UTC: ordinary, one voucher valid until 2028-03-04 02:00 UTC
      paid for order o-1, in effect                                                         407.96
      unused days of upgrade o-3                    100.00 × 362 of 365 days             99.178082
      use of the instance, by the second            0.42 × 12:00:00 h                        -5.04
      refund                                                                                502.10 CNY
    ");
}

#[test]
fn a_quote_asks_without_a_return_in_the_file() {
    let (_folder, file) = events_of("return-case-2");
    // An hour before the file's own returns: the account's first one.
    let output = quote(&["--resource", "ins-1", "--at", "2026-03-01T02:30:00Z", "--json"], &file);
    assert!(output.status.success());
    let answer: Value = serde_json::from_str(&said(&output)).expect("one line of JSON");
    assert_eq!(answer["type"], "lifecycle.refund.decided");
    assert_eq!(answer["data"]["method"], "unconditional");
    assert_eq!(answer["data"]["tenders"]["cash"], "407.96");
    let terms = answer["data"]["terms"].as_array().expect("a list");
    assert_eq!(terms.len(), 1);
}

#[test]
fn a_refusal_is_said_with_its_code_and_ends_with_1() {
    let (_folder, file) = events_of("return-case-2");
    let output = quote(&["--resource", "ins-1", "--at", "2026-03-06T16:00:00Z"], &file);
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    // The file's own return came first.
    assert!(said.contains("ins-1") && said.contains("expired, only what is active"), "{said}");
    let output = quote(&["--resource", "ins-9", "--at", "2026-03-06T16:00:00Z"], &file);
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.contains("`ins-9`"), "{complaint}");
}

#[test]
fn a_return_that_cannot_be_counted_is_set_aside_with_the_field_that_is_missing() {
    let (_folder, file) = events_of("return-case-2");
    let text = fs::read_to_string(&file).expect("read");
    let without = text.replace("\"hourly_price\":\"0.42\",", "");
    assert_ne!(without, text);
    fs::write(&file, without).expect("written");
    let output = quote(&[], &file);
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.contains("return-case-2-5 of /billing: hourly_price:"), "{complaint}");
    assert!(said(&output).contains("407.96 CNY"), "the unconditional one needs no price");
}
