-- +goose Up
-- The identity of the database that what is here is a copy of; no row where it is none.
CREATE TABLE copied_from (id TEXT NOT NULL) STRICT;
