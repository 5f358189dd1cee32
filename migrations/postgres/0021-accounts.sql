-- One user of the app may have several accounts of a provider. A label tells them apart, which stands sealed in the grant's profile.
-- Keyed hash of the label. In rows from before there were labels, the subject is the label, and this is the grant's subject_hash.
ALTER TABLE external_ids ADD COLUMN account_hash BYTEA;
UPDATE external_ids SET account_hash = grants.subject_hash FROM grants WHERE grants.grant_id = external_ids.grant_id;
DELETE FROM external_ids AS again USING external_ids AS first
WHERE again.grant_id = first.grant_id AND again.external_hash = first.external_hash AND again.duplicate > first.duplicate;
ALTER TABLE external_ids ALTER COLUMN account_hash SET NOT NULL;

ALTER TABLE external_ids DROP CONSTRAINT external_ids_pkey;
ALTER TABLE external_ids DROP COLUMN duplicate;
ALTER TABLE external_ids ADD CONSTRAINT external_ids_pkey PRIMARY KEY (external_hash, client_id, provider, account_hash);

DROP INDEX external_ids_by_grant;
-- A user knows an account by one label.
CREATE UNIQUE INDEX external_ids_by_grant ON external_ids (grant_id, external_hash);
CREATE INDEX external_ids_by_account ON external_ids (account_hash, grant_id);
