-- +goose Up
-- Times are milliseconds since the Unix epoch.

CREATE TABLE messages (
    seq          INTEGER PRIMARY KEY, -- the order of reception
    id           TEXT    NOT NULL UNIQUE,
    received_at  INTEGER NOT NULL,
    reverse_path TEXT    NOT NULL,
    smtputf8     INTEGER NOT NULL,
    listener     TEXT    NOT NULL,
    helo         TEXT    NOT NULL,
    remote_ip    TEXT    NOT NULL,
    tls          TEXT    NOT NULL,
    size         INTEGER NOT NULL,
    sha256       TEXT    NOT NULL,
    body         TEXT,                -- NULL when retention is over
    trace_field  TEXT    NOT NULL,
    steps        TEXT    NOT NULL,    -- JSON
    expires_at   INTEGER NOT NULL     -- the latest of its deliveries'
) STRICT;

CREATE INDEX messages_expiry ON messages (expires_at) WHERE body IS NOT NULL;

CREATE TABLE deliveries (
    seq         INTEGER PRIMARY KEY,
    message_seq INTEGER NOT NULL REFERENCES messages (seq),
    number      INTEGER NOT NULL,     -- from 1, within the message
    tenant      TEXT    NOT NULL,
    endpoint    TEXT    NOT NULL,
    alias       TEXT    NOT NULL,
    recipient   TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    attempts    INTEGER NOT NULL,
    last_code   INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    document    BLOB,
    steps       TEXT    NOT NULL,     -- JSON
    UNIQUE (message_seq, number)
) STRICT;

CREATE INDEX deliveries_by_tenant ON deliveries (tenant, seq);
CREATE INDEX deliveries_by_state ON deliveries (tenant, state, seq);

-- A row for each delivery that is not in a final state.
CREATE TABLE queue (
    delivery_seq INTEGER PRIMARY KEY REFERENCES deliveries (seq),
    lane         TEXT    NOT NULL,    -- tenant/endpoint
    due_at       INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    claims       INTEGER NOT NULL,    -- counts leases; fences late results
    owner        TEXT,                -- NULL while nobody holds it
    lease_until  INTEGER
) STRICT;

CREATE INDEX queue_due ON queue (lane, due_at, delivery_seq) WHERE owner IS NULL;
CREATE INDEX queue_expiry ON queue (expires_at) WHERE owner IS NULL;
CREATE INDEX queue_leases ON queue (lease_until) WHERE owner IS NOT NULL;

CREATE TABLE attempts (
    delivery_seq INTEGER NOT NULL REFERENCES deliveries (seq),
    number       INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    duration     INTEGER NOT NULL,
    code         INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    response     BLOB    NOT NULL,
    PRIMARY KEY (delivery_seq, number)
) STRICT, WITHOUT ROWID;
