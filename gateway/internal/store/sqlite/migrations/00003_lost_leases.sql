-- +goose Up
ALTER TABLE queue ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;  -- counts leases that ended with neither a result nor a release
ALTER TABLE queue ADD COLUMN began INTEGER NOT NULL DEFAULT 0; -- what is done under the lease may end the process
-- What is done where a mail is infected. Of mail from before, what was the default.
ALTER TABLE deliveries ADD COLUMN virus_action TEXT NOT NULL DEFAULT 'exclude';
