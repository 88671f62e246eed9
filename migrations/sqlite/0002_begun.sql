-- When the attempt began that has no outcome yet. Set only where the other side could not tell a repeat (SAFE-2).
ALTER TABLE deliveries ADD COLUMN begun_at INTEGER;
