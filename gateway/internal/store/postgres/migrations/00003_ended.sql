-- +goose Up
-- Of all tenants, those that somebody may have to look at. None is so when it is added: taking
-- mail does not write here.
CREATE INDEX deliveries_ended ON deliveries (state, seq) WHERE state IN ('failed', 'quarantined', 'expired', 'dropped');
