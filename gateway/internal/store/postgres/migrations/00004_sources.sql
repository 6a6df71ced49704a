-- +goose Up
-- As package sqlite has it. Events are messages without a mail; mails may come from mail accounts.
ALTER TABLE deliveries ADD COLUMN event text COLLATE "C" NOT NULL DEFAULT '';      -- the name of an event; '' of a mail
ALTER TABLE deliveries ADD COLUMN account text COLLATE "C" NOT NULL DEFAULT '';    -- the mail account that the mail came from
ALTER TABLE messages ADD COLUMN about_tenant text COLLATE "C" NOT NULL DEFAULT ''; -- what an event is about
ALTER TABLE messages ADD COLUMN about_class text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN about_name text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN fetched text;                                      -- JSON: where in its account it was

-- A list of mails passes over no events, and one of events over no mails.
DROP INDEX deliveries_by_tenant;
DROP INDEX deliveries_by_state;
CREATE INDEX deliveries_by_tenant ON deliveries (tenant, seq) WHERE event = '';
CREATE INDEX deliveries_by_state ON deliveries (tenant, state, seq) WHERE event = '';
CREATE INDEX deliveries_by_account ON deliveries (account, seq) WHERE account <> '';
CREATE INDEX deliveries_events ON deliveries (seq) WHERE event <> '';
CREATE INDEX deliveries_events_by_tenant ON deliveries (tenant, seq) WHERE event <> '';

CREATE TABLE accounts (
    name       text   COLLATE "C" PRIMARY KEY,
    settings   bytea  NOT NULL,      -- JSON, credentials included
    updated_at bigint NOT NULL
);

-- Accounts that are disabled, those of the configuration included.
CREATE TABLE switches (
    account text   COLLATE "C" PRIMARY KEY,
    since   bigint NOT NULL,
    reason  text   NOT NULL
);

CREATE TABLE tokens (
    account text COLLATE "C" PRIMARY KEY,
    token   text NOT NULL
);

-- A row is written again for each mail.
CREATE TABLE mailboxes (
    account      text   COLLATE "C" NOT NULL,
    folder       text   COLLATE "C" NOT NULL,
    uid_validity bigint NOT NULL,
    next_uid     bigint NOT NULL,    -- the first that was not looked at
    below        bigint NOT NULL,    -- the first that did not exist yet when the folder began to be looked at
    since        bigint,             -- of the mails before that, those from before are not wanted
    server       text   COLLATE "C" NOT NULL, -- whose UIDs they are: user@host:port
    PRIMARY KEY (account, folder)
) WITH (fillfactor = 50);

CREATE TABLE fetched (
    account      text    COLLATE "C" NOT NULL,
    folder       text    COLLATE "C" NOT NULL,
    uid_validity bigint  NOT NULL,
    uid          bigint  NOT NULL,
    digest       bytea   NOT NULL,
    handled      boolean NOT NULL,   -- it is done with on the server
    PRIMARY KEY (account, folder, uid_validity, uid)
);

CREATE INDEX fetched_by_digest ON fetched (account, folder, digest);
CREATE INDEX fetched_unhandled ON fetched (account, folder, uid_validity, uid) WHERE NOT handled;

-- Times in which something fails, and that they are over.
CREATE TABLE episodes (
    tenant    text   COLLATE "C" NOT NULL,
    class     text   COLLATE "C" NOT NULL,
    name      text   COLLATE "C" NOT NULL,
    kind      text   COLLATE "C" NOT NULL,
    version   bigint NOT NULL,
    opened_at bigint,                -- NULL where it is over
    reported  text   NOT NULL,       -- JSON: the causes that were told of
    PRIMARY KEY (tenant, class, name, kind)
);

-- What one process at a time may do.
CREATE TABLE holds (
    name       text   COLLATE "C" PRIMARY KEY,
    owner      text   COLLATE "C" NOT NULL,
    held_until bigint NOT NULL
);
