-- What is due and waits, and what somebody put a hold on that was not lifted: for the lists of operators.
ALTER TABLE resources ADD COLUMN held INTEGER;
ALTER TABLE resources ADD COLUMN on_hold INTEGER;
ALTER TABLE accounts ADD COLUMN on_hold INTEGER;
UPDATE resources SET held = 1
    WHERE json_extract(state, '$.held') IS NOT NULL OR json_extract(state, '$.gated') IS NOT NULL;
-- Whether it was lifted is seen when it is read; the next change of the row says it again.
UPDATE resources SET on_hold = 1 WHERE json_extract(state, '$.holds.placed') IS NOT NULL;
UPDATE accounts SET on_hold = 1 WHERE json_extract(state, '$.holds.placed') IS NOT NULL;
CREATE INDEX resources_held ON resources (account, id) WHERE held IS NOT NULL;
CREATE INDEX resources_on_hold ON resources (account, id) WHERE on_hold IS NOT NULL;
CREATE INDEX accounts_on_hold ON accounts (id) WHERE on_hold IS NOT NULL;
