-- +goose Up
-- Words of subjects again, in a table from which they can be erased: one with contentless_delete
-- notes which rows are gone, and keeps their words until it merges them away, if ever. From this
-- one a row is deleted by the words that it had.
DROP TABLE subjects;
CREATE VIRTUAL TABLE subjects USING fts5 (subject, content = '', tokenize = 'unicode61');
INSERT INTO subjects (subjects, rank) VALUES ('secure-delete', 1);
INSERT INTO subjects (rowid, subject) SELECT seq, subject FROM deliveries WHERE subject <> '';
