-- Additive: a program that knows only what is before goes on beside this.

-- Each name that issued something, as it was encoded; folded: without regard to case, string types and white space.
CREATE TABLE issuer (
    sha256 BLOB PRIMARY KEY,
    folded BLOB NOT NULL,
    der    BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX issuer_folded ON issuer (folded);

-- The row of the journal that an event is about; null where there is none, or an earlier program wrote it. Grows with time like the row.
ALTER TABLE audit ADD COLUMN journal_id INTEGER;
CREATE INDEX audit_journal_id ON audit (journal_id);
