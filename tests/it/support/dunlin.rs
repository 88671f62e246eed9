//! The real binary as a process: its configuration, its folder, its pages, its log, its signals.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tempfile::TempDir;

use super::patience::until;

/// A lifecycle of four seconds, so that a test sees all of it: warned two seconds before E, moved to the bin and told at E,
/// released two seconds later. A new file is a new lifecycle.
pub(crate) const QUICK: &str = r#"
id = "quick"
version = 1
title = "A lifecycle for tests"
zone = "Asia/Shanghai"
clock = "expiry"

[[phase]]
name = "active"
class = "working"

[[phase]]
name = "recycled"
class = "retained"

[[phase]]
name = "released"
class = "gone"

[[step]]
from = "active"
to = "recycled"
at = { from = "expiry" }
actions = ["shutdown", "stop_billing"]
detach = ["elastic_ip"]
rules = ["PRE-3"]

[[step]]
from = "recycled"
to = "released"
at = { from = ["expiry", "entry"], after = "2s" }
actions = ["release"]
destroy = ["disk"]
rules = ["PRE-5"]

[[recovery]]
from = "recycled"
to = "active"
when = "renewed"
actions = ["start", "resume_billing"]
rules = ["PRE-4"]

[[notice]]
kind = "expiry-warning"
slots = { from = "expiry", after = ["-2s"] }
phases = ["active"]
channels = ["email", "sms"]
rules = ["PRE-1"]

[[notice]]
kind = "expired"
slots = { from = "expiry", after = ["0s"] }
phases = ["active", "recycled"]
channels = ["email", "sms"]
rules = ["PRE-2"]

[renewal]
months = ["1-60"]
first_term_end = "same_time"
"#;

/// A folder with the configuration of one dunlin, its store and its log.
pub(crate) struct Home {
    folder: TempDir,
    /// Where its pages are.
    pub(crate) http: u16,
    /// Where its relay is.
    pub(crate) smtp: u16,
    variables: Vec<(String, String)>,
}

impl Home {
    /// For a broker and an SMTP server on these ports; every name on the broker begins with `prefix`.
    pub(crate) fn new(broker: u16, smtp: u16, prefix: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let http = free_port();
        let policies = folder.path().join("policies");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/policies");
        std::fs::create_dir(&policies).expect("a folder of our own");
        for file in std::fs::read_dir(shipped).expect("the shipped policies") {
            let file = file.expect("a file");
            std::fs::copy(file.path(), policies.join(file.file_name())).expect("a copy");
        }
        std::fs::write(policies.join("quick.toml"), QUICK).expect("a folder of our own");
        let home = Self { folder, http, smtp, variables: Vec::new() };
        home.write("dunlin.toml", &home.config(prefix));
        // What differs from machine to machine comes by variables, as in a container.
        home.with("BROKER__URI", &format!("amqp://guest:guest@127.0.0.1:{broker}/%2f"))
            .with("EMAIL__SMTP__PORT", &smtp.to_string())
            .with("HTTP__BIND", &format!("127.0.0.1:{http}"))
    }

    fn config(&self, prefix: &str) -> String {
        let folder = self.folder.path().display();
        format!(
            r##"
[broker]
connection_name = "{prefix}"
[broker.input]
exchange = "{prefix}.in"
queues = [{{ name = "{prefix}.events", binding = "#" }}]
[broker.output]
exchange = "{prefix}.out"
[broker.dead_letter]
exchange = "{prefix}.dead"
queue = "{prefix}.dead"
[broker.link]
reconnect_first_ms = 20
reconnect_cap_ms = 500
[email]
from_address = "billing@dunlin.example"
from_name = "Dunlin"
[email.smtp]
host = "127.0.0.1"
tls = "none"
[sms]
kind = "email_gateway"
[sms.email_gateway]
address = "{{digits}}@sms.example"
[store]
path = "{folder}/dunlin.db"
[policies]
dir = "{folder}/policies"
[notices]
console_url = "https://console.dunlin.example"
[dispatch]
retry_secs = [1]
idle_poll_secs = 1
[freshness]
# Most tests are about something else, and none waits for seconds.
default = "queue-only"
marker_interval_ms = 100
[log]
format = "json"
"##
        )
    }

    /// The same with one more `DUNLIN__` variable.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.variables.push((format!("DUNLIN__{key}"), value.to_owned()));
        self
    }

    /// A file in the folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a folder of our own");
        path
    }

    /// `dunlin` with this configuration, and with nothing of the environment of the tests.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = bare(args);
        command.current_dir(self.folder.path());
        command.arg("--config").arg(self.folder.path().join("dunlin.toml"));
        command.envs(self.variables.iter().map(|(key, value)| (key, value)));
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("dunlin starts")
    }

    /// Starts something that runs until it is told otherwise, with its standard output in a file of the folder.
    pub(crate) fn start_into(&self, args: &[&str], file: &str) -> Dunlin {
        let output = File::create(self.folder.path().join(file)).expect("a folder of our own");
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(output).stderr(self.log_file());
        Dunlin { process: command.spawn().expect("dunlin starts"), http: self.http }
    }

    /// Where a file of the folder is.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// What a file of the folder holds by now.
    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(file)).unwrap_or_default()
    }

    /// Starts the worker; the log of every run goes to one file.
    pub(crate) fn start(&self) -> Dunlin {
        self.start_into(&["run"], "out")
    }

    /// Starts the worker and waits until it is connected to everything.
    pub(crate) fn start_ready(&self) -> Dunlin {
        let mut dunlin = self.start();
        until("a ready dunlin", || {
            assert!(dunlin.exited().is_none(), "dunlin ended: {}", self.log());
            dunlin.readiness().filter(|page| page["ready"] == true)
        });
        dunlin
    }

    fn log_file(&self) -> File {
        let path = self.folder.path().join("log");
        OpenOptions::new().create(true).append(true).open(path).expect("a folder of our own")
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        self.read("log")
    }

    /// Asks the store; every column as text.
    pub(crate) fn query(&self, sql: &str) -> Vec<Vec<String>> {
        let path = self.folder.path().join("dunlin.db");
        let store = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .expect("the store is there");
        store.busy_timeout(Duration::from_secs(10)).expect("a timeout");
        let mut statement = store.prepare(sql).expect("SQL");
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..columns)
                .map(|column| row.get::<_, Option<String>>(column).map(Option::unwrap_or_default))
                .collect::<Result<Vec<String>, _>>()
        });
        rows.expect("an answer").map(|row| row.expect("text")).collect()
    }

    /// How much lies in the store's write-ahead log.
    pub(crate) fn log_bytes(&self) -> u64 {
        let log = self.folder.path().join("dunlin.db-wal");
        std::fs::metadata(log).map_or(0, |log| log.len())
    }

    /// One number from the store.
    pub(crate) fn count(&self, sql: &str) -> usize {
        let rows = self.query(&format!("SELECT CAST(({sql}) AS TEXT)"));
        rows[0][0].parse().expect("a number")
    }
}

/// `dunlin` with nothing but its arguments.
pub(crate) fn bare(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dunlin"));
    command.env_clear().env("NO_COLOR", "1").args(args);
    command
}

/// A port that nobody uses now.
pub(crate) fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    free.local_addr().expect("bound").port()
}

/// A running dunlin. Killed with this value.
pub(crate) struct Dunlin {
    process: Child,
    http: u16,
}

impl Dunlin {
    /// A page and its status; `None` while nobody answers.
    pub(crate) fn page(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.http)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    /// `/readyz`.
    pub(crate) fn readiness(&self) -> Option<Value> {
        serde_json::from_str(&self.page("/readyz")?.1).ok()
    }

    /// A number of `/metrics`, by its name and labels as they are written there; 0 if it is not there.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let page = self.page("/metrics").expect("dunlin answers").1;
        let value = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().expect("a number"))
    }

    /// Whether it ended, and how.
    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("a child of ours")
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        let pid = self.process.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status();
        assert!(sent.expect("a shell").success());
    }

    /// Asks it to stop and waits until it did.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.terminate();
        self.wait()
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        until("the end of dunlin", || self.exited())
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("a child of ours");
        self.process.wait().expect("a child of ours");
    }
}

impl Drop for Dunlin {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left to do.
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}
