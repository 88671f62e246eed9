//! Private RabbitMQ nodes: own name, ports and folder, beside whatever else runs on the machine.
//!
//! A node dies with the test process: a watchdog shell kills it as soon as its standard input closes.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dunlin::broker::BrokerSettings;

use super::smtp::certificate;

const BOOT_LIMIT: Duration = Duration::from_secs(120);
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const WATCHDOG: &str = r#"
trap '' INT HUP
setsid "$1" >"$2/out" 2>"$2/err" </dev/null &
server=$!
word=; read -r word
kill -s KILL -- "-$server" 2>/dev/null
wait "$server" 2>/dev/null
[ "$word" = keep ] || rm -rf "$2"
"#;

/// A node of the test's own.
pub(crate) struct Node {
    /// The AMQP port on 127.0.0.1.
    pub(crate) port: u16,
    /// The AMQP port for TLS, with a certificate for `localhost`.
    pub(crate) tls_port: u16,
    name: String,
    folder: PathBuf,
    distribution_port: u16,
    watchdog: Option<Child>,
}

/// The node that the tests share. Use names of your own: see [`settings`].
pub(crate) fn shared() -> &'static Node {
    static SHARED: OnceLock<Node> = OnceLock::new();
    SHARED.get_or_init(Node::start)
}

/// Settings for `port`, in which every name begins with `prefix`, with limits fit for a test.
pub(crate) fn settings(port: u16, prefix: &str) -> BrokerSettings {
    let mut settings = BrokerSettings {
        uri: format!("amqp://guest:guest@127.0.0.1:{port}/%2f").into(),
        connection_name: prefix.to_owned(),
        ..BrokerSettings::default()
    };
    settings.input.exchange = format!("{prefix}.in");
    settings.input.queues[0].name = format!("{prefix}.events");
    settings.output.exchange = format!("{prefix}.out");
    settings.dead_letter.exchange = format!("{prefix}.dead");
    settings.dead_letter.queue = format!("{prefix}.dead");
    settings.link.reconnect_first_ms = 20;
    settings.link.reconnect_cap_ms = 500;
    settings
}

impl Node {
    /// Starts a node and waits until it takes connections.
    pub(crate) fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = tempfile::Builder::new().prefix("dunlin-rabbit-").tempdir().expect("a folder");
        let [port, tls_port, distribution_port] = free_ports();
        let name = format!("dunlin-it-{}-{count}@localhost", std::process::id());
        let folder = folder.keep();
        let mut node = Self { port, tls_port, name, folder, distribution_port, watchdog: None };
        node.configure();
        node.boot();
        node
    }

    /// The certificate to trust for [`Node::tls_port`].
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }

    fn configure(&self) {
        let (certificate, key) = certificate(&self.folder);
        write(&self.folder, "plugins", "[rabbitmq_consistent_hash_exchange].\n");
        write(&self.folder, "env", "");
        let lines = [
            "disk_free_limit.absolute = 1MB".to_owned(),
            "raft.wal_max_size_bytes = 16777216".to_owned(),
            "loopback_users.guest = true".to_owned(),
            format!("listeners.ssl.1 = 127.0.0.1:{}", self.tls_port),
            format!("ssl_options.certfile = {}", certificate.display()),
            format!("ssl_options.keyfile = {}", key.display()),
            "ssl_options.verify = verify_none\n".to_owned(),
        ];
        write(&self.folder, "rabbitmq.conf", &lines.join("\n"));
    }

    /// Kills the node as a power cut would. What it has on disk stays.
    pub(crate) fn kill(&mut self) {
        let mut watchdog = self.watchdog.take().expect("the node runs");
        let mut stdin = watchdog.stdin.take().expect("piped");
        stdin.write_all(b"keep\n").expect("the watchdog reads");
        drop(stdin);
        watchdog.wait().expect("the watchdog ends");
    }

    /// Starts a killed node on the same port with what it has on disk.
    pub(crate) fn boot(&mut self) {
        let child = self
            .environment(Command::new("/bin/sh").args(["-c", WATCHDOG, "watchdog", SERVER]))
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of the terminal's group: Ctrl-C ends the test, and the end of the test ends the node.
            .process_group(0)
            .spawn()
            .expect("a shell");
        self.watchdog = Some(child);
        self.await_port();
    }

    /// Waits until the node would find this quorum queue again after a kill. RabbitMQ answers the declaration first and
    /// writes its directory of queues half a second later: killed in between, it has the messages and not the queue.
    pub(crate) fn await_registered(&self, queue: &str) {
        let directory = self.folder.join("mnesia").join(&self.name).join("quorum").join(&self.name);
        let entry = format!("_{queue}").into_bytes();
        let deadline = Instant::now() + BOOT_LIMIT;
        loop {
            let names = std::fs::read(directory.join("names.dets")).unwrap_or_default();
            if names.windows(entry.len()).any(|window| window == entry) {
                return;
            }
            assert!(Instant::now() < deadline, "{queue} was never written down");
            sleep(Duration::from_millis(50));
        }
    }

    /// Runs `rabbitmqctl` against this node.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("/usr/lib/rabbitmq/bin/rabbitmqctl");
        let output = self.environment(&mut command).args(arguments).output().expect("rabbitmqctl");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("HOME", &self.folder)
            .env("RABBITMQ_NODENAME", &self.name)
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("RABBITMQ_MNESIA_BASE", self.folder.join("mnesia"))
            .env("RABBITMQ_LOG_BASE", self.folder.join("log"))
            .env("RABBITMQ_SCHEMA_DIR", self.folder.join("schema"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", self.folder.join("config"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", self.folder.join("plugins"))
            .env("RABBITMQ_CONFIG_FILE", self.folder.join("rabbitmq.conf"))
            .env("RABBITMQ_CONF_ENV_FILE", self.folder.join("env"))
            .env("RABBITMQ_PID_FILE", self.folder.join("pid"))
            .env("ERL_CRASH_DUMP", self.folder.join("erl_crash.dump"))
    }

    fn await_port(&mut self) {
        // RabbitMQ opens its listeners last, when everything else is up.
        let deadline = Instant::now() + BOOT_LIMIT;
        let open = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        while !(open(self.port) && open(self.tls_port)) {
            assert!(Instant::now() < deadline, "no RabbitMQ within {BOOT_LIMIT:?}: {}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        ["out", "err"]
            .map(|name| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default())
            .join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        match self.watchdog.take() {
            Some(mut watchdog) => {
                drop(watchdog.stdin.take());
                let _ = watchdog.wait();
            }
            None => drop(std::fs::remove_dir_all(&self.folder)),
        }
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("a folder of our own");
}

/// Ports that nobody uses now; all are held until all are known.
fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
    held.map(|listener| listener.local_addr().expect("bound").port())
}
