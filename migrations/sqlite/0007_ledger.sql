-- Decisions are chained for each account: every one carries the hash of the one before it. What was recorded before this
-- has no number, and is counted where the chain begins. docs/LEDGER.md says what is hashed.
ALTER TABLE decisions ADD COLUMN number INTEGER;
ALTER TABLE decisions ADD COLUMN previous BLOB;
ALTER TABLE decisions ADD COLUMN hash BLOB;
-- Of the names and amounts that are kept apart, if there are any.
ALTER TABLE decisions ADD COLUMN text_hash BLOB;

-- What a person can be told by. Erased with the person; the chain holds its salted hash.
CREATE TABLE decision_texts (
    decision INTEGER PRIMARY KEY REFERENCES decisions (id),
    salt     BLOB NOT NULL,
    text     TEXT NOT NULL
) STRICT;

-- Where the chain of each account ends, and how many decisions there were before it. A chain that is cut off ends elsewhere.
CREATE TABLE ledger_heads (
    account TEXT    PRIMARY KEY,
    number  INTEGER NOT NULL,
    hash    BLOB,
    before  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO ledger_heads (account, number, hash, before)
    SELECT account, 0, NULL, count(*) FROM decisions GROUP BY account;

CREATE TRIGGER decisions_never_change BEFORE UPDATE ON decisions
    BEGIN SELECT raise(ABORT, 'a decision on record is never changed'); END;
CREATE TRIGGER decisions_never_go BEFORE DELETE ON decisions
    BEGIN SELECT raise(ABORT, 'a decision on record is never removed'); END;

-- Whether the person was erased from a notice since it was decided.
ALTER TABLE notices ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
