"""What should have been caused, what was, and the difference.

Compared as sets of effects that name no instant of deciding: dunlin lives by the wall clock and may be late. Effects that
are allowed to come twice (same id, same Message-ID) count once; how often they did is counted apart. The gateway of the texts
cannot tell a repeat: a text over which dunlin was killed may be missing, where dunlin says so, and none may come twice.
"""

import collections
import json
import re
import subprocess

# The domain of the gateway that sends mails on as texts.
TEXTS = "@sms.torture.example"
# Differ between the two clocks, or number decisions.
NOT_COMPARED = ("decision", "effective_at", "since", "reason")
# What dunlin says of a text over which it was killed.
CUT_OFF = "nobody can tell whether it arrived: dunlin stopped while this was being sent"
RESOURCE = re.compile(r"res-\d{6}-[a-z]")
SHOWN_MAX = 10


def canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def change(event):
    """A publication as an effect. `sequence` stays: a lost or doubled change would show in it."""
    data = {name: value for name, value in event["data"].items() if name not in NOT_COMPARED}
    return canonical({"effect": event["type"], **data})


def told(effect, account, notice, resources, **more):
    return canonical(
        {"effect": effect, "account": account, "notice": notice, "resources": sorted(resources), **more}
    )


# --- expected ------------------------------------------------------------------------------------------------


def simulate(command, form):
    command = [*command, "--format", form]
    run = subprocess.run(command, capture_output=True, check=False)
    if run.returncode != 0 or run.stderr:
        raise SystemExit(f"simulate failed or left out events:\n{run.stderr.decode(errors='replace')[-2000:]}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def expected(command, contacts):
    """By `command`, which simulates; `contacts` are those of each account."""
    effects = collections.Counter(change(event) for event in simulate(command, "cloudevents"))
    for line in simulate(command, "trace"):
        if line["kind"] != "notice":
            continue
        account, notice, resources = line["account"], line["notice"], line["resources"]
        for contact in contacts[account]:
            for channel, to in ways(contact):
                effects[told("mail", account, notice, resources, to=to)] += 1
                outcome = {"type": "lifecycle.notice.sent", "data": {"account": account, "notice": notice}}
                outcome["data"] |= {"channel": channel, "resources": sorted(resources), "attempt": 1}
                effects[change(outcome)] += 1
    return effects


def ways(contact):
    if "email" in contact:
        yield "email", contact["email"]
    if "phone" in contact:
        yield "sms", contact["phone"].lstrip("+") + TEXTS


# --- received ------------------------------------------------------------------------------------------------


def is_unknown_text(event):
    data = event["data"]
    return event["type"] == "lifecycle.notice.failed" and data["channel"] == "sms" and data["reason"] == CUT_OFF


class Received:
    """Everything that the witness and the mail server have, each id once."""

    def __init__(self, publications, mails):
        self.effects = collections.Counter()
        self.unknown_texts = collections.Counter()
        self.repeated_publications = self.repeated_mails = self.repeated_texts = self.out_of_order = 0
        self.read_publications(publications)
        self.read_mails(list(mails))

    def read_publications(self, publications):
        seen, last = {}, collections.defaultdict(int)
        for event in publications:
            if event["id"] in seen:
                self.repeated_publications += 1
                if seen[event["id"]] != canonical(event):
                    raise SystemExit(f"one id, two publications: {event['id']}")
                continue
            seen[event["id"]] = canonical(event)
            if "sequence" in event:
                self.out_of_order += int(event["sequence"]) != last[event["data"]["resource"]] + 1
                last[event["data"]["resource"]] = int(event["sequence"])
            if is_unknown_text(event):
                self.unknown_texts[change(event | {"type": "lifecycle.notice.sent"})] += 1
            else:
                self.effects[change(event)] += 1

    def read_mails(self, mails):
        # A text does not list resources; its notice does, in the mails of the same id.
        by_id, resources, accounts = {}, {}, {}
        for to, message in mails:
            message_id, notice = str(message["Message-ID"]), str(message["X-Dunlin-Notice"])
            is_text = to.endswith(TEXTS)
            if message_id in by_id:
                self.repeated_texts += is_text
                self.repeated_mails += not is_text
                continue
            by_id[message_id] = (to, notice)
            if not is_text:
                body = message.get_body(("plain",)).get_content()
                resources[notice] = set(RESOURCE.findall(body))
                accounts[notice] = to.split("@")[1].removesuffix(".example")
        for to, notice in by_id.values():
            # `<kind>-<uuid>`
            kind = notice[:-37]
            effect = told("mail", accounts.get(notice, "?"), kind, resources.get(notice, ()), to=to)
            self.effects[effect] += 1


# --- the difference ------------------------------------------------------------------------------------------


def about(effect):
    """What an effect is apart from its number and its details: to tell a second one from one of another kind."""
    names = ("effect", "account", "resource", "from", "to", "request", "code", "notice", "channel", "charge")
    return canonical({name: value for name, value in json.loads(effect).items() if name in names})


def notice_of(effect):
    """Whose text it is, or is about, apart from the number."""
    return canonical([effect[name] for name in ("account", "notice", "resources")])


def without_unknown_texts(wanted, received):
    """What is wanted, less what dunlin could not know: each unknown text was not reported as sent, and need not be there. And
    how many are not."""
    wanted = wanted - received.unknown_texts
    not_there = 0
    may_be_missing = collections.Counter(notice_of(json.loads(effect)) for effect in received.unknown_texts.elements())
    for effect in (wanted - received.effects).elements():
        text = json.loads(effect)
        if text["effect"] == "mail" and text["to"].endswith(TEXTS) and may_be_missing[notice_of(text)]:
            may_be_missing[notice_of(text)] -= 1
            wanted[effect] -= 1
            not_there += 1
    return +wanted, not_there


def compare(everything, received):
    wanted, unknown_and_missing = without_unknown_texts(everything, received)
    missing, surplus = wanted - received.effects, received.effects - wanted
    # A text that nobody wanted cannot be unknown.
    surplus += received.unknown_texts - everything
    known = {about(effect) for effect in wanted}
    again = collections.Counter({effect: n for effect, n in surplus.items() if about(effect) in known})
    releases = [effect for effect in surplus if json.loads(effect).get("to") == "released"]
    numbers = {
        "lost": missing.total(),
        "duplicate_effects": again.total(),
        "wrong_releases": sum(surplus[effect] for effect in releases),
        "unexpected": surplus.total() - again.total(),
        "out_of_order": received.out_of_order,
        "effects": wanted.total(),
        "charges": sum(n for effect, n in wanted.items() if '"lifecycle.charge.requested"' in effect),
        "releases": sum(n for effect, n in wanted.items() if json.loads(effect).get("to") == "released"),
        "repeated_publications": received.repeated_publications,
        "repeated_mails": received.repeated_mails,
        "repeated_texts": received.repeated_texts,
        "unknown_texts": received.unknown_texts.total(),
        "unknown_texts_missing": unknown_and_missing,
    }
    complaints = [f"missing: {effect}" for effect in list(missing)[:SHOWN_MAX]]
    complaints += [f"surplus: {effect}" for effect in list(surplus)[:SHOWN_MAX]]
    return numbers, complaints
