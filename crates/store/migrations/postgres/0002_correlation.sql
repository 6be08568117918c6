-- The request's name in logs, where it had one.
ALTER TABLE journal ADD COLUMN correlation TEXT;
ALTER TABLE audit ADD COLUMN correlation TEXT;
