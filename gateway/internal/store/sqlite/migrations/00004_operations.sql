-- +goose Up
-- Messages get all ends of retention, and deliveries a seq that holds that of their message:
-- message seq << 20 | number. So neither needs an index for the other.
PRAGMA defer_foreign_keys = ON;

ALTER TABLE messages ADD COLUMN forget_at INTEGER;            -- when its body is not needed any more; NULL without one
ALTER TABLE messages ADD COLUMN log_until INTEGER;            -- end of the log's row; NULL for never
UPDATE messages SET forget_at = expires_at WHERE body IS NOT NULL;
DROP INDEX messages_expiry;
ALTER TABLE messages DROP COLUMN expires_at;
CREATE INDEX messages_forget ON messages (forget_at) WHERE forget_at IS NOT NULL;
CREATE INDEX messages_log ON messages (log_until) WHERE log_until IS NOT NULL;

CREATE TABLE new_deliveries (
    seq           INTEGER PRIMARY KEY,  -- message seq << 20 | number, which counts from 1
    tenant        TEXT    NOT NULL,
    endpoint      TEXT    NOT NULL,
    alias         TEXT    NOT NULL,
    recipient     TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    subject       TEXT    NOT NULL,
    attempts      INTEGER NOT NULL,
    earlier       INTEGER NOT NULL,     -- of the attempts, those before it was sent anew
    last_code     INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    payload_until INTEGER,              -- NULL where the document goes with the body
    held_until    INTEGER NOT NULL,     -- stands for expires_at while it is quarantined
    spam_action   TEXT    NOT NULL,
    virus_action  TEXT    NOT NULL,
    released      INTEGER NOT NULL,
    document      BLOB,
    steps         TEXT    NOT NULL      -- JSON
) STRICT;
INSERT INTO new_deliveries SELECT message_seq << 20 | number, tenant, endpoint, alias, recipient, state, reason, subject, attempts, 0, last_code,
    updated_at, expires_at, NULL, expires_at, spam_action, virus_action, 0, document, steps FROM deliveries;

CREATE TABLE new_queue (
    delivery_seq INTEGER PRIMARY KEY REFERENCES new_deliveries (seq),
    lane         TEXT    NOT NULL,    -- tenant/endpoint
    due_at       INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    claims       INTEGER NOT NULL,    -- counts leases; fences late results
    owner        TEXT,                -- NULL while nobody holds it
    lease_until  INTEGER,
    lost         INTEGER NOT NULL DEFAULT 0,  -- counts leases that ended with neither a result nor a release
    began        INTEGER NOT NULL DEFAULT 0   -- what is done under the lease may end the process
) STRICT;
INSERT INTO new_queue SELECT d.message_seq << 20 | d.number, q.lane, q.due_at, q.expires_at, q.claims, q.owner, q.lease_until, q.lost, q.began
    FROM queue q JOIN deliveries d ON d.seq = q.delivery_seq;

CREATE TABLE new_attempts (
    delivery_seq INTEGER NOT NULL REFERENCES new_deliveries (seq),
    number       INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    duration     INTEGER NOT NULL,
    code         INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    response     BLOB    NOT NULL,
    PRIMARY KEY (delivery_seq, number)
) STRICT, WITHOUT ROWID;
INSERT INTO new_attempts SELECT d.message_seq << 20 | d.number, a.number, a.at, a.duration, a.code, a.reason, a.response
    FROM attempts a JOIN deliveries d ON d.seq = a.delivery_seq;

DROP TABLE attempts;
DROP TABLE queue;
DROP TABLE deliveries;
ALTER TABLE new_deliveries RENAME TO deliveries;
ALTER TABLE new_queue RENAME TO queue;
ALTER TABLE new_attempts RENAME TO attempts;

CREATE INDEX deliveries_by_tenant ON deliveries (tenant, seq);
CREATE INDEX deliveries_by_state ON deliveries (tenant, state, seq);
-- Of all tenants, those that somebody may have to look at.
CREATE INDEX deliveries_ended ON deliveries (state, seq) WHERE state IN ('failed', 'quarantined', 'expired', 'dropped');
CREATE INDEX deliveries_held ON deliveries (held_until) WHERE state = 'quarantined';
CREATE INDEX deliveries_payload ON deliveries (payload_until) WHERE document IS NOT NULL AND payload_until IS NOT NULL;
CREATE INDEX queue_due ON queue (lane, due_at, delivery_seq) WHERE owner IS NULL;
CREATE INDEX queue_expiry ON queue (expires_at);
CREATE INDEX queue_leases ON queue (lease_until) WHERE owner IS NOT NULL;

-- Words of subjects, by the seq of their deliveries.
CREATE VIRTUAL TABLE subjects USING fts5 (subject, content = '', contentless_delete = 1, tokenize = 'unicode61');
INSERT INTO subjects (rowid, subject) SELECT seq, subject FROM deliveries WHERE subject <> '';

-- What an operator holds back; without an endpoint, all of a tenant.
CREATE TABLE pauses (
    tenant   TEXT    NOT NULL,
    endpoint TEXT    NOT NULL,
    since    INTEGER NOT NULL,
    PRIMARY KEY (tenant, endpoint)
) STRICT, WITHOUT ROWID;

CREATE TABLE buckets (
    name        TEXT    PRIMARY KEY,
    tokens      REAL    NOT NULL,
    refilled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE identity (id TEXT NOT NULL) STRICT;
INSERT INTO identity VALUES (lower(hex(randomblob(16))));
