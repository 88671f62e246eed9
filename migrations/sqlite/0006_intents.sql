-- Steps that are due, and accounts that fell below zero (`resource` and `phase` empty), each waiting to be admitted as part of a
-- whole set (SAFE-6). `batch` names the set that it was held with. What was admitted and what was decided are registers.
CREATE TABLE intents (
    account  TEXT    NOT NULL,
    resource TEXT    NOT NULL,
    phase    TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    policy   TEXT    NOT NULL,
    due_at   INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,
    state    TEXT    NOT NULL,
    batch    TEXT,
    PRIMARY KEY (account, resource, phase)
) STRICT, WITHOUT ROWID;
CREATE INDEX intents_by_state ON intents (state, kind, policy, account, resource, phase);
CREATE INDEX intents_by_batch ON intents (batch, account, resource, phase) WHERE batch IS NOT NULL;

-- How many resources of each policy are not gone: what a share is a share of.
INSERT INTO registers (name, key, body)
    SELECT 'breaker.tracked', state ->> '$.policy.id', count(*) FROM resources GROUP BY 2;
