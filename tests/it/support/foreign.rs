//! The foreign clients of `foreign.py`: publish events, read back what dunlin publishes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::patience::PATIENCE;
use super::python::python;

/// A Python process that speaks to one broker. Ends with this value, and with the test process.
pub(crate) struct Foreign {
    stdin: ChildStdin,
    lines: BufReader<ChildStdout>,
    process: Child,
}

/// How an event is put into a message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    /// Structured mode, written by hand.
    Structured,
    /// Binary mode as the `cloudevents` package writes it for RabbitMQ (`ce-` headers).
    Binary,
    /// Binary mode of the AMQP 1.0 binding (`cloudEvents_` headers, `time` in milliseconds).
    BinaryAmqp,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Structured => "structured",
            Self::Binary => "binary",
            Self::BinaryAmqp => "binary-amqp",
        }
    }
}

impl Foreign {
    /// Clients of the broker on this port.
    pub(crate) fn start(port: u16) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/foreign.py");
        let mut process = Command::new(python())
            .arg(script)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let stdin = process.stdin.take().expect("piped");
        let lines = BufReader::new(process.stdout.take().expect("piped"));
        Self { stdin, lines, process }
    }

    /// Publishes with confirms; routed by account.
    pub(crate) fn publish(&mut self, exchange: &str, mode: Mode, events: &[Value]) {
        let message =
            |event: &Value| json!({"mode": mode.name(), "key": event["subject"], "event": event});
        let messages: Vec<Value> = events.iter().map(message).collect();
        self.ask(&json!({"do": "publish", "exchange": exchange, "messages": messages}));
    }

    /// Publishes messages as they are: `mode`, `key`, `body` (text), `content_type`, `headers`, or `event`, and `user_id`.
    pub(crate) fn publish_raw(&mut self, exchange: &str, messages: &[Value]) {
        self.ask(&json!({"do": "publish", "exchange": exchange, "messages": messages}));
    }

    /// Binds a durable queue to the output exchange.
    pub(crate) fn listen(&mut self, exchange: &str, queue: &str, pattern: &str) {
        self.ask(
            &json!({"do": "listen", "exchange": exchange, "queue": queue, "pattern": pattern}),
        );
    }

    /// The next `count` messages of a queue, each read as a CloudEvent 1.0; fewer if they do not come.
    pub(crate) fn read(&mut self, queue: &str, count: usize) -> Vec<Value> {
        let seconds = PATIENCE.as_secs_f64();
        let answer =
            self.ask(&json!({"do": "read", "queue": queue, "count": count, "seconds": seconds}));
        answer.as_array().expect("a list").clone()
    }

    /// Declares a durable queue with these arguments.
    pub(crate) fn declare(&mut self, queue: &str, arguments: &Value) {
        self.ask(&json!({"do": "declare", "queue": queue, "arguments": arguments}));
    }

    /// How many messages are ready in a queue.
    pub(crate) fn depth(&mut self, queue: &str) -> usize {
        let count = self.ask(&json!({"do": "depth", "queue": queue}));
        usize::try_from(count.as_u64().expect("a count")).expect("it fits")
    }

    fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.stdin, "{command}").expect("the clients listen");
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("the clients answer");
        let mut answer: Value = serde_json::from_str(&line).expect("JSON");
        assert!(answer.get("error").is_none(), "{}: {}", command["do"], answer["error"]);
        answer["answer"].take()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left to do.
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}
