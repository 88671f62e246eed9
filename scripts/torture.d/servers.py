"""The servers of one run, each its own: a RabbitMQ node and postfix's smtp-sink. Both die with the run.

Knows nothing of dunlin. Whatever else runs on the machine is left alone: own node name, ports and folders.
"""

import email
import email.policy
import os
import pathlib
import shutil
import socket
import subprocess
import time

RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
BOOT_SECONDS_MAX = 120
# Ends the server as soon as this program closes the pipe, also by dying: then nobody else could.
WATCHDOG = """
trap '' INT HUP TERM
setsid "$@" >"$LOG" 2>&1 </dev/null &
server=$!
read -r word
kill -s KILL -- "-$server" 2>/dev/null
wait "$server" 2>/dev/null
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A process behind a watchdog, and the port that it listens on."""

    def __init__(self, command, port, log, environment=None):
        self.port, self.log = port, pathlib.Path(log)
        self.watchdog = subprocess.Popen(
            ["/bin/sh", "-c", WATCHDOG, "watchdog", *map(str, command)],
            stdin=subprocess.PIPE,
            env={**os.environ, **(environment or {}), "LOG": str(log)},
            process_group=0,
        )

    def await_port(self):
        deadline = time.monotonic() + BOOT_SECONDS_MAX
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise SystemExit(f"no server on port {self.port}:\n{self.log.read_text()[-2000:]}") from None
                time.sleep(0.02)

    def stop(self):
        self.watchdog.stdin.close()
        self.watchdog.wait()


def rabbitmq(folder):
    """A node of its own, booting: see `await_port`."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    (folder / "plugins").write_text("[].\n")
    (folder / "env").write_text("")
    (folder / "rabbitmq.conf").write_text("disk_free_limit.absolute = 1MB\nraft.wal_max_size_bytes = 16777216\n")
    port, distribution = free_port(), free_port()
    environment = {
        "HOME": folder,
        "RABBITMQ_NODENAME": f"dunlin-torture-{os.getpid()}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": port,
        "RABBITMQ_DIST_PORT": distribution,
        "RABBITMQ_MNESIA_BASE": folder / "mnesia",
        "RABBITMQ_LOG_BASE": folder / "log",
        "RABBITMQ_SCHEMA_DIR": folder / "schema",
        "RABBITMQ_GENERATED_CONFIG_DIR": folder / "config",
        "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins",
        "RABBITMQ_CONFIG_FILE": folder / "rabbitmq.conf",
        "RABBITMQ_CONF_ENV_FILE": folder / "env",
        "RABBITMQ_PID_FILE": folder / "pid",
        "ERL_CRASH_DUMP": folder / "erl_crash.dump",
    }
    return Server([RABBITMQ], port, folder / "out", {name: str(value) for name, value in environment.items()})


class SmtpSink(Server):
    """smtp-sink, one file for each message that it answered with 250. A transaction that broke off leaves none."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        command = [shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"]
        if os.geteuid() == 0:
            # It refuses to work as root.
            command += ["-u", "nobody"]
            shutil.chown(self.folder, "nobody")
            for parent in self.folder.parents[:1]:
                parent.chmod(0o711)
        port = free_port()
        command += ["-d", f"{self.folder}/mail.", f"127.0.0.1:{port}", "100"]
        super().__init__(command, port, f"{folder}.log")

    def messages(self):
        """(envelope recipient, message) of everything that was taken."""
        for path in self.folder.iterdir():
            with path.open("rb") as file:
                message = email.message_from_binary_file(file, policy=email.policy.default)
            yield str(message["X-Rcpt-Args"]).strip("<>"), message
