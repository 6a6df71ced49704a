-- +goose Up
-- The tables of package sqlite at its version 4. Times are milliseconds since the Unix epoch.
-- There are no foreign keys: each would look up and lock a row for every row that is added.
-- A message's rows come and go in one transaction.
-- Text is compared by its octets, as SQLite does, and as indexes are quickest.

CREATE SEQUENCE message_seq;

CREATE TABLE messages (
    seq          bigint  PRIMARY KEY,               -- of message_seq: the order of reception
    id           text    COLLATE "C" NOT NULL UNIQUE,
    received_at  bigint  NOT NULL,
    reverse_path text    COLLATE "C" NOT NULL,
    smtputf8     boolean NOT NULL,
    listener     text    NOT NULL,
    helo         text    NOT NULL,
    remote_ip    text    NOT NULL,
    tls          text    NOT NULL,
    size         bigint  NOT NULL,
    sha256       text    NOT NULL,
    body         text,                              -- NULL when retention is over
    trace_field  text    NOT NULL,
    steps        text    NOT NULL,                  -- JSON; as text, for json does not take all that JSON may hold
    reports      text    NOT NULL,                  -- JSON: what the scanners said
    forget_at    bigint,                            -- when its body is not needed any more; NULL without one
    log_until    bigint                             -- end of the log's row; NULL for never
);

CREATE INDEX messages_forget ON messages (forget_at) WHERE forget_at IS NOT NULL;
CREATE INDEX messages_log ON messages (log_until) WHERE log_until IS NOT NULL;

CREATE TABLE deliveries (
    seq           bigint  PRIMARY KEY,              -- message seq << 20 | number, which counts from 1
    tenant        text    COLLATE "C" NOT NULL,
    endpoint      text    COLLATE "C" NOT NULL,
    alias         text    NOT NULL,
    recipient     text    COLLATE "C" NOT NULL,
    state         text    COLLATE "C" NOT NULL,
    reason        text    NOT NULL,
    subject       text    NOT NULL,
    words         tsvector,                         -- of the subject, as words.go makes them; NULL without one
    attempts      integer NOT NULL,
    earlier       integer NOT NULL,                 -- of the attempts, those before it was sent anew
    last_code     integer NOT NULL,
    updated_at    bigint  NOT NULL,
    expires_at    bigint  NOT NULL,
    payload_until bigint,                           -- NULL where the document goes with the body
    held_until    bigint  NOT NULL,                 -- stands for expires_at while it is quarantined
    spam_action   text    NOT NULL,
    virus_action  text    NOT NULL,
    released      boolean NOT NULL,
    document      bytea,
    steps         text    NOT NULL                  -- JSON
);
-- Not compressed: time is dearer than room here.
ALTER TABLE deliveries ALTER COLUMN document SET STORAGE EXTERNAL;

CREATE INDEX deliveries_by_tenant ON deliveries (tenant, seq);
CREATE INDEX deliveries_by_state ON deliveries (tenant, state, seq);
CREATE INDEX deliveries_held ON deliveries (held_until) WHERE state = 'quarantined';
CREATE INDEX deliveries_payload ON deliveries (payload_until) WHERE document IS NOT NULL AND payload_until IS NOT NULL;
CREATE INDEX deliveries_words ON deliveries USING gin (words) WHERE words IS NOT NULL;

-- A row for each delivery that is not in a final state. Its rows come and go all the time:
-- pages have room for new versions of them, and dead ones are cleared away early.
CREATE TABLE queue (
    delivery_seq bigint  PRIMARY KEY,
    lane         text    COLLATE "C" NOT NULL,      -- tenant/endpoint
    due_at       bigint  NOT NULL,
    expires_at   bigint  NOT NULL,
    claims       bigint  NOT NULL,                  -- counts leases from where it was put into the queue; fences late results
    owner        text    COLLATE "C",               -- NULL while nobody holds it
    lease_until  bigint,
    lost         integer NOT NULL DEFAULT 0,        -- counts leases that ended with neither a result nor a release
    began        boolean NOT NULL DEFAULT false     -- what is done under the lease may end the process
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX queue_due ON queue (lane, due_at, delivery_seq) WHERE owner IS NULL;
CREATE INDEX queue_expiry ON queue (expires_at);
-- Not by lease_until: so that a lease which is made longer changes no index.
CREATE INDEX queue_leases ON queue (delivery_seq) WHERE owner IS NOT NULL;

CREATE TABLE attempts (
    delivery_seq bigint  NOT NULL,
    number       integer NOT NULL,
    at           bigint  NOT NULL,
    duration     bigint  NOT NULL,
    code         integer NOT NULL,
    reason       text    NOT NULL,
    response     bytea   NOT NULL,
    PRIMARY KEY (delivery_seq, number)
);

-- What an operator holds back; without an endpoint, all of a tenant.
CREATE TABLE pauses (
    tenant   text   COLLATE "C" NOT NULL,
    endpoint text   COLLATE "C" NOT NULL,
    since    bigint NOT NULL,
    PRIMARY KEY (tenant, endpoint)
);

CREATE TABLE buckets (
    name        text   COLLATE "C" PRIMARY KEY,
    tokens      double precision NOT NULL,
    refilled_at bigint NOT NULL
) WITH (fillfactor = 50);

-- Raw messages, in parts of 256 KiB, for gateways that keep them here.
CREATE TABLE bodies (
    id        text        COLLATE "C" NOT NULL,     -- of the message
    part      integer     NOT NULL,                 -- from 0
    data      bytea       NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),   -- by the server's clock
    PRIMARY KEY (id, part)
);
ALTER TABLE bodies ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE identity (id text NOT NULL);
INSERT INTO identity VALUES (replace(gen_random_uuid()::text, '-', ''));
