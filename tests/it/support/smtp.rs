//! Real SMTP servers for a test: aiosmtpd, which reads back what it was sent, and postfix's smtp-sink.
//!
//! Each ends with the value that stands for it, and aiosmtpd with the test process.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::python::python;

/// aiosmtpd in a process of its own.
pub(crate) struct Aiosmtpd {
    /// On 127.0.0.1.
    pub(crate) port: u16,
    lines: BufReader<ChildStdout>,
    server: Child,
}

impl Aiosmtpd {
    /// Starts it with these arguments of `smtp_server.py`; listens when this returns.
    pub(crate) fn start(args: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/smtp_server.py");
        let mut server = Command::new(python())
            .arg(script)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python starts");
        let mut lines = BufReader::new(server.stdout.take().expect("piped"));
        let mut port = String::new();
        lines.read_line(&mut port).expect("the server speaks");
        let port = port.trim().parse().expect("the server says its port");
        Self { port, lines, server }
    }

    /// The next message that it took. Call it only after a send that succeeded.
    pub(crate) fn message(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("the server speaks");
        serde_json::from_str(&line).expect("the server prints JSON")
    }
}

impl Drop for Aiosmtpd {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

/// postfix's smtp-sink: takes everything, except what it is told not to.
pub(crate) struct Sink {
    /// On 127.0.0.1.
    pub(crate) port: u16,
    server: Child,
}

impl Sink {
    /// Starts it with these options; listens when this returns.
    pub(crate) fn start(options: &[&str]) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let program = ["/usr/sbin/smtp-sink", "/usr/bin/smtp-sink"];
        let program = program.iter().find(|path| Path::new(path).exists());
        let server = Command::new(program.expect("postfix is installed: scripts/test tools"))
            .args(unprivileged())
            .args(options)
            .args([&format!("inet:127.0.0.1:{port}"), "100"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("smtp-sink starts");
        let sink = Self { port, server };
        for _ in 0..500 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return sink;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("smtp-sink does not listen on port {port}");
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

/// Run by root, smtp-sink wants to know whom to become; run by anybody else it must not be told.
fn unprivileged() -> &'static [&'static str] {
    let root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if root { &["-u", "nobody"] } else { &[] }
}

fn stop(server: &mut Child) {
    // It may have ended by itself; either way nothing is left to do.
    let _gone = server.kill();
    let _gone = server.wait();
}

/// A self-signed certificate for `localhost` and its key, in `folder`.
pub(crate) fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-subj", "/CN=a relay of dunlin's tests", "-days", "2"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .stderr(Stdio::null())
        .status()
        .expect("openssl is installed");
    assert!(made.success(), "openssl: {made}");
    (cert, key)
}
