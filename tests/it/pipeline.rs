//! The main job, end to end: the real binary as a process, a real RabbitMQ, a real SMTP server, foreign clients.
//!
//! Looks at dunlin from outside only: what it publishes, mails, writes, prints, answers and logs.

mod bad_input;
mod breaker;
mod broker_run;
mod embedded;
mod freshness;
mod operations;
mod outage;
mod proof;
mod quiet;
mod switched_off;
mod tools;
