-- +goose Up
ALTER TABLE messages ADD COLUMN reports TEXT NOT NULL DEFAULT '[]'; -- JSON: what the scanners said
ALTER TABLE deliveries ADD COLUMN spam_action TEXT NOT NULL DEFAULT 'default';
