-- What a step that is due waits for, where that is no event of its account and no instant (SAFE-5, SAFE-6, SAFE-11), and since when.
ALTER TABLE resources ADD COLUMN gate TEXT;
ALTER TABLE resources ADD COLUMN gate_at INTEGER;
CREATE INDEX resources_by_gate ON resources (gate, account, gate_at) WHERE gate IS NOT NULL;
CREATE INDEX resources_of_account_by_gate ON resources (account, gate) WHERE gate IS NOT NULL;

-- Facts that belong to no account: what a source said last, what is stopped everywhere. Few, and small.
CREATE TABLE registers (
    name TEXT NOT NULL,
    key  TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (name, key)
) STRICT, WITHOUT ROWID;

-- Whoever sent an event before this is a source, and is waited for (SAFE-5).
INSERT INTO registers (name, key, body)
    SELECT 'source', source,
        json_object('first_seen', strftime('%Y-%m-%dT%H:%M:%SZ', min(received_at) / 1000000, 'unixepoch'))
    FROM inbox GROUP BY source;
