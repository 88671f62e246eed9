"""What happens to the accounts of a run: short histories, drawn by a seeded generator, over all shipped policies.

Each history is chosen so that what it must cause does not depend on how late dunlin reads it, only on what was published in
which order: arrears that began hours ago with the release days ahead, expiries in the past, requests. Some things fall due
some seconds ahead, while dunlin is being killed; nothing else happens to such an account near that instant.

A story is a Python generator of events. Each is made when it is its turn to be published: `now` is that moment. A story that
has to wait for something yields None and is asked again later.
"""

import datetime
import itertools

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)
# The least notice of what is due during the run. dunlin must never lag behind as much: see `most_lag` in the result.
AHEAD_SECONDS = 14
PREPAID = "tencent-cvm-prepaid"
POSTPAID = ("tencent-cvm-postpaid-15d", "tencent-cvm-postpaid-24h")
ARREARS = (*POSTPAID, "tencent-network-traffic")
# Prepaid, but with its charge an hour before an expiry of today, so that charges fall due during the run: see `charged_policy`.
CHARGED = "torture-charged"
CHARGE_AHEAD = HOUR
# So long a story waits for what dunlin should ask for.
PATIENCE = datetime.timedelta(seconds=30)


def text(instant):
    return instant.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def charged_policy(prepaid, now):
    """The shipped prepaid policy, renamed, with its daily charge at a time that is less than an hour before any expiry of
    this run: it is then asked for an hour before the expiry (PRE-6)."""
    at = now + CHARGE_AHEAD
    # Where it is not about midnight now.
    zone, hours = ("Asia/Shanghai", 8) if (at.hour + 8) % 24 not in (23, 0) else ("Etc/UTC", 0)
    local = at + datetime.timedelta(hours=hours)
    changed = prepaid.replace(f'id = "{PREPAID}"', f'id = "{CHARGED}"').replace("Asia/Shanghai", zone)
    return changed.replace('attempts = [{ day = 0, time = "00:00" }]', f'attempts = [{{ day = 0, time = "{local:%H:%M}" }}]')


class World:
    """Makes accounts; remembers what is due when."""

    def __init__(self, random, clock):
        self.random, self.clock = random, clock
        self.numbers = itertools.count(1)
        self.event_ids = itertools.count(1)
        self.last_due = clock()
        # The addresses of each account, which never change.
        self.contacts = {}
        # The charges that dunlin has asked for, by name.
        self.charges = set()
        # The resources that dunlin has released.
        self.released = set()

    def begin(self):
        """A new story about a new account."""
        names = list(STORIES)
        name = self.random.choices(names, [STORIES[name] for name in names])[0]
        return name(self.account())

    def account(self):
        return Account(self)

    def text_now(self):
        return text(self.clock())

    def soon(self):
        """An instant during the run. Whole multiples of five seconds, so that much is due at once."""
        seconds = self.clock().timestamp() + AHEAD_SECONDS + self.random.choice((0, 5))
        instant = datetime.datetime.fromtimestamp((seconds // 5 + 1) * 5, datetime.timezone.utc)
        self.last_due = max(self.last_due, instant)
        return instant


class Account:
    """An account and its events. Events are made when they are published: `ago` is how long before that they happened."""

    def __init__(self, world):
        self.world, self.random = world, world.random
        number = next(world.numbers)
        self.id = f"acct-{number:06}"
        self.resources = [f"res-{number:06}-{letter}" for letter in "abc"[: self.random.choice((1, 1, 1, 2, 3))]]
        self.resource = self.resources[0]

    def now(self):
        return self.world.clock()

    def event(self, kind, ago=None, **data):
        time = self.now() - ago if ago else self.now()
        return {
            "specversion": "1.0",
            "id": f"torture-{next(self.world.event_ids)}",
            "source": "/torture",
            "type": f"billing.{kind}",
            "subject": self.id,
            "time": text(time),
            "datacontenttype": "application/json",
            "data": {"account": self.id, **data},
        }

    def updated(self):
        number = self.id[5:]
        contacts = [{"name": "Ann", "role": "creator", "email": f"ann@{self.id}.example", "phone": f"+8613800{number}"}]
        if self.random.random() < 0.2:
            contacts.append({"name": "Bo", "role": "collaborator", "email": f"bo@{self.id}.example"})
        self.world.contacts[self.id] = contacts
        locale = self.random.choice(("en", "zh-CN", "fr"))
        return self.event("account.updated", 7 * HOUR, currency="CNY", contacts=contacts, locale=locale, name=self.id)

    def activated(self, policy, resource=None, ago=None, **data):
        disks = [{"id": "disk-1", "elastic": False}, {"id": "disk-2", "elastic": True}]
        attachments = [{"kind": "load_balancer", "id": "lb-1"}]
        return self.event(
            "resource.activated", ago, resource=resource or self.resource, policy=policy, disks=disks,
            attachments=attachments, **data,
        )  # fmt: skip

    def balance(self, amount, ago=None):
        return self.event("balance.changed", ago, balance=amount, currency="CNY")

    def usage(self):
        end = self.now() - HOUR
        return self.event(
            "usage.charged", amount="0.01", currency="CNY", period_start=text(end - HOUR), period_end=text(end)
        )

    def request(self, kind, **data):
        return self.event(f"{kind}.requested", resource=self.resource, **data)

    def terminate(self, mode):
        return self.event("termination.requested", resources=self.resources, mode=mode)


# --- the stories ---------------------------------------------------------------------------------------------


def stopped_and_back(account):
    """Arrears of three hours ago stop everything at once; payment brings it back, unless it never comes."""
    yield account.updated()
    for resource in account.resources:
        yield account.activated(account.random.choice(ARREARS), resource, 6 * HOUR)
    yield account.balance("100.00", 5 * HOUR)
    yield account.usage()
    yield account.balance("-5.50", 3 * HOUR)
    yield account.usage()
    if account.random.random() < 0.7:
        yield account.terminate("immediate")  # Not in arrears.
        yield account.balance("0.00")  # Zero is not enough.
        yield account.balance("20.00")


def grace_and_back(account):
    """The balance crosses zero now, and again: each time an episode of its own."""
    yield account.updated()
    for resource in account.resources:
        yield account.activated(account.random.choice(ARREARS), resource)
    yield account.balance("10.00")
    for _ in range(account.random.randint(1, 3)):
        yield account.balance("-1.00")
        yield account.usage()
        yield account.balance("3.00")
    if account.random.random() < 0.5:
        yield account.balance("-0.01")


def expired_long_ago(account):
    """An expiry in the past moves to the bin at once; renewal brings it back, a bad one does not."""
    yield account.updated()
    yield account.activated(PREPAID, expires_at=text(account.now() - DAY - HOUR))
    if account.random.random() < 0.6:
        yield account.request("renewal", months=61)
        yield account.request("renewal", months=account.random.randint(1, 12))
        yield account.request("restore")  # Not for prepaid ones.


def expires_during_the_run(account):
    """Nobody renews: to the bin and one notice, at that instant, exactly once."""
    yield account.updated()
    expiry = account.world.soon()
    for resource in account.resources:
        yield account.activated(PREPAID, resource, expires_at=text(expiry))


def renewed_in_time(account):
    """Renewed, or moved away, shortly before: nothing may come of the old expiry."""
    yield account.updated()
    expiry = account.world.soon()
    yield account.activated(PREPAID, expires_at=text(expiry))
    if account.random.random() < 0.5:
        yield account.request("renewal", months=1)
    else:
        yield account.event("expiry.changed", resource=account.resource, expires_at=text(expiry + 30 * DAY))


def terminated(account):
    """To the bin and back, released from it, or at once; what is gone is gone."""
    yield account.updated()
    for resource in account.resources:
        yield account.activated(account.random.choice(POSTPAID), resource)
    yield account.balance("100.00")
    for _ in range(account.random.randint(0, 2)):
        yield account.terminate("recycle")
        yield account.request("restore")
    yield account.request("release")  # Not in the bin.
    if account.random.random() < 0.5:
        yield account.terminate("recycle")
        yield account.request("release")
    else:
        yield account.terminate("immediate")
    # A release waits for heartbeats: what is asked for meanwhile would be answered otherwise.
    asked_at = account.now()
    while account.resource not in account.world.released:
        yield None
        if account.now() > asked_at + PATIENCE:
            return
    yield account.request("restore")


def scheduled(account):
    """A termination some seconds ahead: released then, to the second; called off, never."""
    yield account.updated()
    yield account.activated(account.random.choice(POSTPAID))
    yield account.balance("100.00")
    yield account.event("termination.scheduled", resource=account.resource, at=text(account.now() - HOUR))
    at = account.world.soon()
    yield account.event("termination.scheduled", resource=account.resource, at=text(at))
    if account.random.random() < 0.5:
        yield account.event("termination.cancelled", resource=account.resource)


def held_release(account):
    """Taken over when its release is long due, under a hold that ends during the run: held, then released."""
    yield account.updated()
    until = account.world.soon()
    yield account.balance("-40.00", 17 * DAY)
    yield account.event("hold.placed", hold="legal-1", reason="a dispute", until=text(until))
    since = account.now() - 16 * DAY
    yield account.event(
        "resource.imported", resource=account.resource, policy=POSTPAID[0], phase="stopped", since=text(since),
        arrears_since=text(since - 2 * HOUR), notices_sent=[{"notice": "arrears", "at": text(since - 2 * HOUR)}],
    )  # fmt: skip


def charged(account):
    """A charge that is asked for during the run, and its answer: paid, and the next term begins; or not."""
    yield account.updated()
    yield account.balance("500.00")
    due = account.world.soon()
    expiry = due + CHARGE_AHEAD
    yield account.activated(
        CHARGED, price="10.00", auto_renew={"mode": "auto", "months": 1}, expires_at=text(expiry)
    )  # fmt: skip
    charge = f"{account.resource}:{expiry:%Y%m%dT%H%M%SZ}:1"
    while charge not in account.world.charges:
        yield None
        if account.now() > due + PATIENCE:
            return
    if account.random.random() < 0.7:
        yield account.event("charge.succeeded", resource=account.resource, charge=charge)
        yield account.event("charge.succeeded", resource=account.resource, charge=charge)  # Of a term that is over.
    else:
        yield account.event("charge.failed", resource=account.resource, charge=charge, reason="no funds")


def not_understood(account):
    """Requests that are answered with a code."""
    yield account.updated()
    yield account.terminate("immediate")  # Unknown.
    yield account.activated(PREPAID, expires_at=text(account.now() + 90 * DAY))
    yield account.terminate("recycle")  # Not for prepaid ones.
    yield account.event("charge.succeeded", resource=account.resource, charge="nobody-asked-for-this")
    yield account.request("release")


def facts_before_their_resource(account):
    """Facts about a resource that is not known yet wait for it."""
    yield account.updated()
    yield account.event("expiry.changed", resource=account.resource, expires_at=text(account.now() - HOUR))
    yield account.usage()
    yield account.activated(PREPAID, ago=HOUR, expires_at=text(account.now() + 40 * DAY))


STORIES = {
    stopped_and_back: 4,
    grace_and_back: 3,
    expired_long_ago: 2,
    expires_during_the_run: 3,
    renewed_in_time: 2,
    terminated: 3,
    scheduled: 3,
    held_release: 2,
    charged: 2,
    not_understood: 1,
    facts_before_their_resource: 1,
}
