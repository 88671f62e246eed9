"""The foreign clients of dunlin (pika): the billing pipeline that publishes, and the reader of what dunlin publishes."""

import collections
import itertools
import json
import queue
import threading
import time
import zlib

import pika

INPUT, OUTPUT = "billing.events", "dunlin.lifecycle"
EVENTS, WITNESS = "dunlin.events", "torture.witness"
# The publisher waits while so many messages lie in the queue beside those that dunlin holds.
READY_MAX = 200
# Connections that publish.
LANES = 4
# Stories that go on at once.
STORIES_MAX = 40
COPY_NOW, COPY_LATER = 0.05, 0.08
# How often stories that wait are asked.
ASK_SECONDS = 0.2
# How often the pipeline says that it is alive.
BEAT_SECONDS = 1.0
STORY_ENDS = object()


def connect(port):
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port, heartbeat=0))


def depth(channel, name):
    return channel.queue_declare(name, passive=True).method.message_count


def await_empty(channel, name, seconds=20):
    """Until nothing is ready in it, or so many seconds have passed."""
    deadline = time.monotonic() + seconds
    while depth(channel, name) and time.monotonic() < deadline:
        time.sleep(0.05)


def await_queue(port, name, alive, seconds=60):
    """Until somebody has declared it; RabbitMQ closes the channel on a question about one that is not there."""
    deadline = time.monotonic() + seconds
    connection = connect(port)
    while True:
        try:
            depth(connection.channel(), name)
            return connection.close()
        except pika.exceptions.ChannelClosedByBroker:
            alive()
            if time.monotonic() > deadline:
                raise SystemExit(f"dunlin did not make the queue {name} within {seconds} s") from None
            time.sleep(0.02)


class Beat:
    """A heartbeat, handed to every lane: it vouches for what all of them were handed before it."""

    numbers = itertools.count(1)

    def __init__(self, instant):
        event = {
            "specversion": "1.0",
            "id": f"heartbeat-{next(self.numbers)}",
            "source": "/torture",
            "type": "billing.heartbeat",
            "time": instant,
            "data": {},
        }
        self.body = json.dumps(event).encode()
        self.lock, self.missing = threading.Lock(), LANES

    def is_reached(self):
        with self.lock:
            self.missing -= 1
            return self.missing == 0


class Lane(threading.Thread):
    """One connection that publishes with confirms, each message before the next. An account always has the same lane."""

    def __init__(self, port, confirmed):
        super().__init__(name="lane", daemon=True)
        self.port, self.confirmed = port, confirmed
        self.waiting = queue.Queue(maxsize=20)
        self.failure = None

    def run(self):
        try:
            connection = connect(self.port)
            self.channel = connection.channel()
            self.channel.confirm_delivery()
            for number, what in enumerate(iter(self.waiting.get, None)):
                if isinstance(what, Beat):
                    # Whoever comes last publishes it: everything that was handed over before it is confirmed.
                    if what.is_reached():
                        self.send("pipeline", what.body)
                    continue
                subject, body, is_copy = what
                while number % 10 == 0 and depth(self.channel, EVENTS) > READY_MAX:
                    time.sleep(0.005)
                self.send(subject, body)
                if not is_copy:
                    self.confirmed.append(time.monotonic())
            connection.close()
        except Exception as error:  # noqa: BLE001 - whatever it was, the run is over: `Publisher.check` tells
            self.failure = error

    def send(self, subject, body):
        properties = pika.BasicProperties(content_type="application/cloudevents+json", delivery_mode=2)
        deadline = time.monotonic() + 10
        while True:
            try:
                self.channel.basic_publish(INPUT, subject, body, properties, mandatory=True)
                return
            except pika.exceptions.UnroutableError:
                # dunlin declares the queue first and binds it a moment later.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


class Publisher(threading.Thread):
    """Tells the stories, some events twice: writes them into the ledger and hands them to the lanes."""

    def __init__(self, port, world, random, ledger):
        super().__init__(name="publisher", daemon=True)
        self.world, self.random, self.ledger_path = world, random, ledger
        # When each event was confirmed, first copies only.
        self.confirmed = []
        self.lanes = [Lane(port, self.confirmed) for _ in range(LANES)]
        self.messages = 0
        # Set while dunlin has more to send than it can soon: no new stories then.
        self.hold = threading.Event()
        self.ending = threading.Event()
        self.failure = None
        self.copies = collections.deque()  # (message number, account, body), to come
        # The latest time of an event so far, and the accounts with an event since that one: see `keep_apart`.
        self.latest, self.since_latest = "", set()

    def run(self):
        try:
            for lane in self.lanes:
                lane.start()
            with self.ledger_path.open("wb") as self.ledger:
                self.ticks = self.tick_for_ever()
                self.tell_all()
            for lane in self.lanes:
                self.hand_over(lane, None)
                lane.join()
        except Exception as error:  # noqa: BLE001 - as above
            self.failure = error

    def check(self):
        for thread in (self, *self.lanes):
            if thread.failure:
                raise SystemExit(f"publishing failed: {thread.failure!r}")

    def tell_all(self):
        under_way, waiting, ask_at, beat_at = [], [], 0.0, 0.0
        while under_way or waiting or not self.ending.is_set():
            if len(under_way) < STORIES_MAX and not self.ending.is_set() and not self.hold.is_set():
                under_way.append(self.world.begin())
            if time.monotonic() > beat_at:
                beat_at = time.monotonic() + BEAT_SECONDS
                self.beat()
            if waiting and time.monotonic() > ask_at:
                ask_at = time.monotonic() + ASK_SECONDS
                under_way += waiting
                waiting.clear()
            if not under_way:
                time.sleep(0.01)
                continue
            # Drawn anew for every step, so that the stories mix.
            index = self.random.randrange(len(under_way))
            event = next(under_way[index], STORY_ENDS)
            if event is STORY_ENDS:
                del under_way[index]
            elif event is None:
                waiting.append(under_way.pop(index))
            else:
                self.keep_apart(event)
                self.publish(event)

    def tick_for_ever(self):
        """Usage of an account that has nothing: moves the simulated clock and causes nothing."""
        account = self.world.account()
        yield account.updated()
        while True:
            yield account.usage()

    def keep_apart(self, event):
        """`simulate` decides late events together with the instant that is open, dunlin as they come: never two of one
        account without one in between that happens now."""
        if event["time"] <= self.latest and event["subject"] in self.since_latest:
            self.publish(next(self.ticks))

    def beat(self):
        """Everything that was made so far is with the lanes. Not in the ledger: nothing is simulated that waits for it."""
        beat = Beat(self.world.text_now())
        for lane in self.lanes:
            self.hand_over(lane, beat)

    def publish(self, event):
        if event["time"] > self.latest:
            self.latest = event["time"]
            self.since_latest.clear()
        self.since_latest.add(event["subject"])
        body = json.dumps(event, ensure_ascii=False).encode()
        self.send(event["subject"], body, False)
        if self.random.random() < COPY_NOW:
            self.send(event["subject"], body, True)
        if self.random.random() < COPY_LATER:
            self.copies.append((self.messages + self.random.randint(1, 60), event["subject"], body))
        while self.copies and self.copies[0][0] <= self.messages:
            _, subject, copy = self.copies.popleft()
            self.send(subject, copy, True)

    def send(self, subject, body, is_copy):
        self.messages += 1
        self.ledger.write(body + b"\n")
        lane = self.lanes[zlib.crc32(subject.encode()) % LANES]
        self.hand_over(lane, (subject, body, is_copy))

    def hand_over(self, lane, what):
        while True:
            try:
                return lane.waiting.put(what, timeout=1)
            except queue.Full:
                if lane.failure:
                    raise lane.failure from None


class Witness(threading.Thread):
    """Reads everything that dunlin publishes from a durable queue of its own, with acknowledgements."""

    def __init__(self, port, charges, released):
        super().__init__(name="witness", daemon=True)
        self.charges, self.released = charges, released
        self.connection = connect(port)
        self.channel = self.connection.channel()
        self.channel.exchange_declare(OUTPUT, "topic", durable=True)
        self.channel.queue_declare(WITNESS, durable=True)
        self.channel.queue_bind(WITNESS, OUTPUT, "#")
        self.bodies = []
        self.ending = threading.Event()

    def run(self):
        self.channel.basic_qos(prefetch_count=200)
        for method, _, body in self.channel.consume(WITNESS, inactivity_timeout=0.2):
            if method is None:
                # dunlin has ended before, and with confirms: what is not in the queue by now does not come.
                if self.ending.is_set() and depth(self.channel, WITNESS) == 0:
                    break
                continue
            self.bodies.append(body)
            if b'"lifecycle.charge.requested"' in body:
                self.charges.add(json.loads(body)["data"]["charge"])
            if b'"to":"released"' in body and b'"lifecycle.resource.changed"' in body:
                self.released.add(json.loads(body)["data"]["resource"])
            self.channel.basic_ack(method.delivery_tag)
        self.channel.cancel()
        self.connection.close()

    def finish(self):
        self.ending.set()
        self.join(60)
        if self.is_alive():
            raise SystemExit("the witness did not come to an end")
        return [json.loads(body) for body in self.bodies]


class Pulse:
    """Heartbeats of a pipeline that has nothing more to say, over a connection of its own."""

    def __init__(self, port):
        self.connection = connect(port)
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        self.next = 0.0

    def beat(self, instant):
        if time.monotonic() > self.next:
            self.next = time.monotonic() + BEAT_SECONDS
            properties = pika.BasicProperties(content_type="application/cloudevents+json", delivery_mode=2)
            self.channel.basic_publish(INPUT, "pipeline", Beat(instant).body, properties, mandatory=True)

    def stop(self):
        self.connection.close()
