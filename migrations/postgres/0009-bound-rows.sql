-- Keyed hashes over whose grant a row is, and which grant a code has become, so that a row that was changed by hand is
-- not believed. Null in rows of earlier versions.
ALTER TABLE grants ADD COLUMN identity_mac BYTEA;
ALTER TABLE intakes ADD COLUMN result_mac BYTEA;
