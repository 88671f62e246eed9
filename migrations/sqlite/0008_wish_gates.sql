-- What a customer's wish waits for, beside what the clock's own step does: neither hides the other (SAFE-5, SAFE-6, SAFE-11).
ALTER TABLE resources ADD COLUMN wish_gate TEXT;
ALTER TABLE resources ADD COLUMN wish_gate_at INTEGER;
CREATE INDEX resources_by_wish_gate ON resources (wish_gate, account, wish_gate_at) WHERE wish_gate IS NOT NULL;
CREATE INDEX resources_of_account_by_wish_gate ON resources (account, wish_gate) WHERE wish_gate IS NOT NULL;
