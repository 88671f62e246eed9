-- The whole store: inbox, quarantine, state, decisions, outboxes, receipts, sent messages, policies.
-- Instants are microseconds since 1970 (UTC). JSON is text, so that sqlite3 on the command line can read it.

-- Which events were taken in. A second one with the same source and id is a copy, or a contradiction.
CREATE TABLE inbox (
    seq         INTEGER PRIMARY KEY,
    source      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    received_at INTEGER NOT NULL,
    event_type  TEXT    NOT NULL,
    account     TEXT    NOT NULL,
    UNIQUE (source, id)
) STRICT;
CREATE INDEX inbox_by_age ON inbox (received_at);

-- What could not be taken in, with the reason. `body` may be cut; `body_bytes` is its length as received.
CREATE TABLE quarantine (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at  INTEGER NOT NULL,
    origin       TEXT    NOT NULL,
    code         TEXT    NOT NULL,
    field        TEXT,
    reason       TEXT    NOT NULL,
    source       TEXT,
    event_id     TEXT,
    event_type   TEXT,
    account      TEXT,
    content_type TEXT,
    headers      TEXT    NOT NULL,
    body         BLOB    NOT NULL,
    body_bytes   INTEGER NOT NULL
) STRICT;
CREATE INDEX quarantine_by_age ON quarantine (received_at);

CREATE TABLE accounts (
    id      TEXT    NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    wake_at INTEGER,
    state   TEXT    NOT NULL
) STRICT;
CREATE INDEX accounts_by_wake ON accounts (wake_at, id) WHERE wake_at IS NOT NULL;

CREATE TABLE resources (
    account TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    wake_at INTEGER,
    state   TEXT    NOT NULL,
    UNIQUE (account, id)
) STRICT;
CREATE INDEX resources_by_id ON resources (id);
-- Which accounts have something due; and what of one account is due.
CREATE INDEX resources_by_wake ON resources (wake_at, account) WHERE wake_at IS NOT NULL;
CREATE INDEX resources_of_account_by_wake ON resources (account, wake_at) WHERE wake_at IS NOT NULL;

-- What was decided and why. Append-only.
CREATE TABLE decisions (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    causes  TEXT    NOT NULL,
    body    TEXT    NOT NULL
) STRICT;
CREATE INDEX decisions_by_account ON decisions (account, id);
CREATE TABLE decision_resources (
    account  TEXT    NOT NULL,
    resource TEXT    NOT NULL,
    decision INTEGER NOT NULL REFERENCES decisions (id),
    PRIMARY KEY (account, resource, decision)
) STRICT, WITHOUT ROWID;
CREATE INDEX decision_resources_by_decision ON decision_resources (decision);

-- Messages for the broker that it has not confirmed. `head` marks the oldest of its lane: only heads may be sent.
CREATE TABLE publications (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    lane        TEXT    NOT NULL,
    head        INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    routing_key TEXT    NOT NULL,
    event_type  TEXT    NOT NULL,
    mandatory   INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    next_at     INTEGER NOT NULL,
    last_error  TEXT
) STRICT;
CREATE INDEX publications_by_lane ON publications (lane, seq);
CREATE INDEX publications_ready ON publications (next_at, seq) WHERE head = 1;

-- What contacts are told. The body holds their addresses; nothing else but `accounts` and `quarantine` does.
CREATE TABLE notices (
    id      TEXT    NOT NULL UNIQUE,
    account TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    body    TEXT    NOT NULL
) STRICT;
CREATE INDEX notices_by_account ON notices (account, at);

-- One notice, one contact, one channel.
CREATE TABLE deliveries (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    notice     TEXT    NOT NULL REFERENCES notices (id),
    contact    INTEGER NOT NULL,
    channel    TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    last_error TEXT
) STRICT;
CREATE INDEX deliveries_by_notice ON deliveries (notice);
CREATE INDEX deliveries_ready ON deliveries (channel, next_at, seq, created_at) WHERE state = 'pending';

-- What became of each attempt.
CREATE TABLE receipts (
    delivery TEXT    NOT NULL REFERENCES deliveries (id),
    attempt  INTEGER NOT NULL,
    outcome  TEXT    NOT NULL,
    receipt  TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (delivery, attempt)
) STRICT, WITHOUT ROWID;

-- What was sent, word for word. Forgotten after its retention.
CREATE TABLE sent_messages (
    delivery TEXT    NOT NULL UNIQUE REFERENCES deliveries (id),
    channel  TEXT    NOT NULL,
    subject  TEXT,
    text     TEXT    NOT NULL,
    html     TEXT,
    sent_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX sent_messages_by_age ON sent_messages (sent_at);

CREATE TABLE policies (
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    hash    BLOB    NOT NULL,
    text    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;
