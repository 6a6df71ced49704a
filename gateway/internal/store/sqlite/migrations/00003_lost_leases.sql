-- +goose Up
ALTER TABLE queue ADD COLUMN lost INTEGER NOT NULL DEFAULT 0; -- counts leases that ended with neither a result nor a release
