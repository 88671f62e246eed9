-- What operators asked of the worker: it takes what waits, and answers in the commit that holds what it did.
CREATE TABLE commands (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    given_at INTEGER NOT NULL,
    given_by TEXT NOT NULL,
    kind     TEXT NOT NULL,
    body     TEXT NOT NULL,
    state    TEXT NOT NULL DEFAULT 'waiting',
    answer   TEXT,
    done_at  INTEGER
) STRICT;
CREATE INDEX commands_waiting ON commands (id) WHERE state = 'waiting';
