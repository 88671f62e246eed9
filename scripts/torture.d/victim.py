"""The dunlin that is killed: its settings, its process, and its store as it lies there between two lives."""

import ctypes
import dataclasses
import http.client
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import time

from servers import free_port

# Counters that say that a dunlin is at work: it has committed events, copies too, or sent something.
AT_WORK = re.compile(rb"^dunlin_(?:events_total\b|sends_total\b.*sent).* [1-9]", re.MULTILINE)
STOP_SECONDS_MAX = 40
SETTINGS = """
[broker]
uri = "amqp://guest:guest@127.0.0.1:{broker}/%2f"
[broker.input]
# Few, so that most of what is published waits in the queue and not in dunlin.
prefetch = 200
[broker.link]
reconnect_first_ms = 50
[email]
from_address = "billing@torture.example"
[email.smtp]
host = "127.0.0.1"
port = {smtp}
tls = "none"
[sms]
kind = "email_gateway"
[sms.email_gateway]
address = "{{digits}}@sms.torture.example"
[store]
path = "{store}"
[http]
bind = "127.0.0.1:{http}"
[policies]
dir = "{policies}"
[notices]
console_url = "https://console.torture.example"
[dispatch]
# Short: a run must not wait for half a minute because a kill was near.
retry_secs = [1, 2, 5]
[breaker]
# Its stories stop and release most of what there is, on purpose, and no dunlin lives long enough to wait for more to fall.
stops_per_policy = 1000000
stops_overall = 1000000
releases_per_policy = 1000000
releases_overall = 1000000
arrears_per_hour = 1000000
share_floor = 1000000
settle_ms = 0
[freshness]
# Every release waits for a heartbeat and for markers, which are killed on their way like everything else.
default = "heartbeat"
marker_interval_ms = 200
# A release that dunlin is too dead to do in time is no news: simulate, which is never late, would not tell of it.
patience_secs = 3600
[log]
level = "warn"
"""


PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def die_with_us():
    """However this program ends, the kernel kills dunlin with it."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclasses.dataclass
class State:
    """What the store holds."""

    events: int  # taken in, without heartbeats
    decisions: int
    receipts: int
    quarantined: int
    publications: int  # not confirmed yet
    deliveries: int  # not delivered yet
    due: int  # accounts and resources with a wake at or before the instant asked for
    gated: int  # resources with a step that waits for heartbeats and markers

    def outbox(self):
        return self.publications + self.deliveries


def read(store, until=0):
    count = "SELECT count(*) FROM "
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10)
    try:
        one = lambda sql, *values: connection.execute(sql, values).fetchone()[0]  # noqa: E731
        connection.execute("BEGIN")
        return State(
            one(f"{count} inbox WHERE event_type <> 'billing.heartbeat'"),
            one(f"{count} decisions"),
            one(f"{count} receipts"),
            one(f"{count} quarantine"),
            one(f"{count} publications"),
            one(f"{count} deliveries WHERE state = 'pending'"),
            one(f"{count} accounts WHERE wake_at <= ?", until) + one(f"{count} resources WHERE wake_at <= ?", until),
            one(f"{count} resources WHERE gate IS NOT NULL OR wish_gate IS NOT NULL"),
        )
    finally:
        connection.close()


class Dunlin:
    """One dunlin after the other on the same store."""

    def __init__(self, binary, folder, policies, broker, smtp, environment):
        self.binary, self.folder = binary, pathlib.Path(folder)
        self.http = free_port()
        self.store = self.folder / "dunlin.db"
        self.config = self.folder / "dunlin.toml"
        self.config.write_text(
            SETTINGS.format(broker=broker, smtp=smtp, http=self.http, store=self.store, policies=policies)
        )
        self.environment = environment
        self.log = (self.folder / "dunlin.log").open("ab")
        self.process = None

    def start(self):
        command = [self.binary, "run", "--config", self.config]
        self.process = subprocess.Popen(
            command, env=self.environment, stdout=self.log, stderr=self.log, process_group=0, preexec_fn=die_with_us
        )

    def check(self):
        """It must not end by itself."""
        if self.process.poll() is not None:
            tail = (self.folder / "dunlin.log").read_text(errors="replace")[-2000:]
            raise SystemExit(f"dunlin ended by itself with code {self.process.returncode}:\n{tail}")

    def await_work(self, seconds):
        """Until it takes in events or sends, seen from outside; `False` after so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=2)
            try:
                connection.request("GET", "/metrics")
                if AT_WORK.search(connection.getresponse().read()):
                    return True
            except OSError:
                pass
            finally:
                connection.close()
            time.sleep(0.005)
        return False

    def kill(self):
        self.check()
        self.process.kill()
        self.process.wait()

    def state_when_killed(self):
        """Read from a copy: the next dunlin must find its files as the last one left them."""
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for suffix in ("", "-wal"):
            path = pathlib.Path(f"{self.store}{suffix}")
            if path.exists():
                shutil.copyfile(path, copy / path.name)
        return read(copy / self.store.name)

    def stop(self):
        """SIGTERM, as an operator would. Returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS_MAX)

    def end(self):
        """Whatever happened: none is left behind."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
