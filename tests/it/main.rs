//! All integration tests, one binary. A file here is a subject; the list is sorted.

mod boundaries;
mod broker;
mod engine_properties;
mod erasure;
mod example_month;
mod explain;
mod http;
mod ledger;
mod operator;
mod pipeline;
mod policy;
mod policy_language;
mod refund;
mod shadow;
mod smtp;
mod store_contract;
mod support;
mod takeover;
mod texts;
mod tidy;
mod wire;
