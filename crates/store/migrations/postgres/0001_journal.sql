-- Times are microseconds since 1970-01-01T00:00:00Z. Ids grow with time, so that rows are appended, not scattered.

-- One request as it was begun; never changed, except that a stale one gives its key away.
CREATE TABLE journal (
    id          BIGINT PRIMARY KEY,
    ikey        BYTEA    NOT NULL,
    retired     BIGINT NOT NULL DEFAULT 0,
    fingerprint BYTEA    NOT NULL,
    head        BYTEA    NOT NULL,
    front       BYTEA    NOT NULL
);
CREATE UNIQUE INDEX journal_ikey ON journal (ikey) WHERE retired = 0;

-- What still moves: the claim, when to look again, and the state towards the CA. Gone with the last write.
CREATE TABLE running (
    id          BIGINT PRIMARY KEY,
    fence       BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    due         BIGINT,
    upstream    BYTEA    NOT NULL
);
CREATE INDEX running_due ON running (due) WHERE due IS NOT NULL;

-- Where a request stands; none yet: begun. leaf is null when the issuance of the same id has it.
CREATE TABLE outcome (
    id    BIGINT PRIMARY KEY,
    phase BYTEA NOT NULL,
    front BYTEA,
    leaf  BYTEA
);

-- What was issued; outlives the request. name: hash of issuer and serial number.
CREATE TABLE issuance (
    id          BIGINT PRIMARY KEY,
    name        BYTEA    NOT NULL,
    certificate BYTEA    NOT NULL,
    authority   TEXT    NOT NULL,
    owner       TEXT    NOT NULL,
    entry       BYTEA    NOT NULL,
    not_after   BIGINT NOT NULL
);
CREATE INDEX issuance_name ON issuance (name);
CREATE INDEX issuance_not_after ON issuance (not_after);

-- What was revoked, known here or not.
CREATE TABLE revocation (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    authority TEXT    NOT NULL,
    name      BYTEA    NOT NULL,
    issuer    BYTEA    NOT NULL,
    serial    BYTEA    NOT NULL,
    at        BIGINT NOT NULL,
    reason    BIGINT NOT NULL,
    UNIQUE (name, authority)
);
CREATE INDEX revocation_authority ON revocation (authority, at);

-- Certificates that many answers share.
CREATE TABLE certificate (
    sha256 BYTEA PRIMARY KEY,
    der    BYTEA NOT NULL
);

-- One decision each, oldest first.
CREATE TABLE audit (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         BIGINT NOT NULL,
    kind       TEXT    NOT NULL,
    entry      BYTEA,
    credential TEXT    NOT NULL,
    label      TEXT    NOT NULL,
    serial     TEXT,
    detail     TEXT    NOT NULL
);
