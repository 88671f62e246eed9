//! An SMTP server whose messages a test waits for, and that can go away and come back on the same port.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use super::patience::until;
use super::python::python;

/// aiosmtpd in a process of its own. Messages are as `smtp_server.py` prints them.
pub(crate) struct Mailbox {
    /// On 127.0.0.1.
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<Value>>>,
    server: Child,
    /// The server ends when this closes.
    _stdin: ChildStdin,
}

impl Mailbox {
    /// On a free port; listens when this returns.
    pub(crate) fn start() -> Self {
        Self::start_on(0)
    }

    /// On this port, with nothing in it.
    pub(crate) fn start_on(port: u16) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/smtp_server.py");
        let mut server = Command::new(python())
            .arg(script)
            .args(["--port", &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python starts");
        let stdin = server.stdin.take().expect("piped");
        let mut lines = BufReader::new(server.stdout.take().expect("piped")).lines();
        let port = lines.next().expect("the server says its port").expect("text");
        let port = port.trim().parse().expect("a port");
        let mails: Arc<Mutex<Vec<Value>>> = Arc::default();
        let seen = Arc::clone(&mails);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mail = serde_json::from_str(&line).expect("the server prints JSON");
                seen.lock().expect("nobody panics with it").push(mail);
            }
        });
        Self { port, mails, server, _stdin: stdin }
    }

    /// What came so far, in order of arrival.
    pub(crate) fn mails(&self) -> Vec<Value> {
        self.mails.lock().expect("nobody panics with it").clone()
    }

    /// Waits until there are at least so many.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Value> {
        until(&format!("{count} mails"), || {
            let mails = self.mails();
            (mails.len() >= count).then_some(mails)
        })
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left to do.
        let _gone = self.server.kill();
        let _gone = self.server.wait();
    }
}
