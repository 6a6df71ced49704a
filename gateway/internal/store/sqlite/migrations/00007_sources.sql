-- +goose Up
-- Events are messages without a mail; mails may come from mail accounts.
ALTER TABLE deliveries ADD COLUMN event TEXT NOT NULL DEFAULT '';         -- the name of an event; '' of a mail
ALTER TABLE deliveries ADD COLUMN account TEXT NOT NULL DEFAULT '';       -- the mail account that the mail came from
ALTER TABLE messages ADD COLUMN about_tenant TEXT NOT NULL DEFAULT '';    -- what an event is about
ALTER TABLE messages ADD COLUMN about_class TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN about_name TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN fetched TEXT;                             -- JSON: where in its account it was

-- A list of mails passes over no events, and one of events over no mails.
DROP INDEX deliveries_by_tenant;
DROP INDEX deliveries_by_state;
DROP INDEX deliveries_ended;
CREATE INDEX deliveries_by_tenant ON deliveries (tenant, seq) WHERE event = '';
CREATE INDEX deliveries_by_state ON deliveries (tenant, state, seq) WHERE event = '';
CREATE INDEX deliveries_ended ON deliveries (state, seq) WHERE state IN ('failed', 'quarantined', 'expired', 'dropped') AND event = '';
CREATE INDEX deliveries_by_account ON deliveries (account, seq) WHERE account <> '';
CREATE INDEX deliveries_events ON deliveries (seq) WHERE event <> '';
CREATE INDEX deliveries_events_by_tenant ON deliveries (tenant, seq) WHERE event <> '';

CREATE TABLE accounts (
    name       TEXT    PRIMARY KEY,
    settings   BLOB    NOT NULL,     -- JSON, credentials included
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Accounts that are disabled, those of the configuration included.
CREATE TABLE switches (
    account TEXT    PRIMARY KEY,
    since   INTEGER NOT NULL,
    reason  TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    account TEXT PRIMARY KEY,
    token   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mailboxes (
    account      TEXT    NOT NULL,
    folder       TEXT    NOT NULL,
    uid_validity INTEGER NOT NULL,
    next_uid     INTEGER NOT NULL,   -- the first that was not looked at
    below        INTEGER NOT NULL,   -- the first that did not exist yet when the folder began to be looked at
    since        INTEGER,            -- of the mails before that, those from before are not wanted
    server       TEXT    NOT NULL,   -- whose UIDs they are: user@host:port
    PRIMARY KEY (account, folder)
) STRICT, WITHOUT ROWID;

CREATE TABLE fetched (
    account      TEXT    NOT NULL,
    folder       TEXT    NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid          INTEGER NOT NULL,
    digest       BLOB    NOT NULL,
    handled      INTEGER NOT NULL,   -- it is done with on the server
    PRIMARY KEY (account, folder, uid_validity, uid)
) STRICT, WITHOUT ROWID;

CREATE INDEX fetched_by_digest ON fetched (account, folder, digest);
CREATE INDEX fetched_unhandled ON fetched (account, folder, uid_validity, uid) WHERE NOT handled;

-- Times in which something fails, and that they are over.
CREATE TABLE episodes (
    tenant    TEXT    NOT NULL,
    class     TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    opened_at INTEGER,               -- NULL where it is over
    reported  TEXT    NOT NULL,      -- JSON: the causes that were told of
    PRIMARY KEY (tenant, class, name, kind)
) STRICT, WITHOUT ROWID;

-- What one process at a time may do.
CREATE TABLE holds (
    name       TEXT    PRIMARY KEY,
    owner      TEXT    NOT NULL,
    held_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
