-- Times are microseconds since 1970-01-01T00:00:00Z. Ids grow with time, so that rows are appended, not scattered.

-- One request as it was begun; never changed, except that a stale one gives its key away.
CREATE TABLE journal (
    id          INTEGER PRIMARY KEY,
    ikey        BLOB    NOT NULL,
    retired     INTEGER NOT NULL DEFAULT 0,
    fingerprint BLOB    NOT NULL,
    head        BLOB    NOT NULL,
    front       BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX journal_ikey ON journal (ikey) WHERE retired = 0;

-- What still moves: the claim, when to look again, and the state towards the CA. Gone with the last write.
CREATE TABLE running (
    id          INTEGER PRIMARY KEY,
    fence       INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    due         INTEGER,
    upstream    BLOB    NOT NULL
) STRICT;
CREATE INDEX running_due ON running (due) WHERE due IS NOT NULL;

-- Where a request stands; none yet: begun. leaf is null when the issuance of the same id has it.
CREATE TABLE outcome (
    id    INTEGER PRIMARY KEY,
    phase BLOB NOT NULL,
    front BLOB,
    leaf  BLOB
) STRICT;

-- What was issued; outlives the request. name: hash of issuer and serial number.
CREATE TABLE issuance (
    id          INTEGER PRIMARY KEY,
    name        BLOB    NOT NULL,
    certificate BLOB    NOT NULL,
    authority   TEXT    NOT NULL,
    owner       TEXT    NOT NULL,
    entry       BLOB    NOT NULL,
    not_after   INTEGER NOT NULL
) STRICT;
CREATE INDEX issuance_name ON issuance (name);
CREATE INDEX issuance_not_after ON issuance (not_after);

-- What was revoked, known here or not.
CREATE TABLE revocation (
    id        INTEGER PRIMARY KEY,
    authority TEXT    NOT NULL,
    name      BLOB    NOT NULL,
    issuer    BLOB    NOT NULL,
    serial    BLOB    NOT NULL,
    at        INTEGER NOT NULL,
    reason    INTEGER NOT NULL,
    UNIQUE (name, authority)
) STRICT;
CREATE INDEX revocation_authority ON revocation (authority, at);

-- Certificates that many answers share.
CREATE TABLE certificate (
    sha256 BLOB PRIMARY KEY,
    der    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One decision each, oldest first.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    entry      BLOB,
    credential TEXT    NOT NULL,
    label      TEXT    NOT NULL,
    serial     TEXT,
    detail     TEXT    NOT NULL
) STRICT;
