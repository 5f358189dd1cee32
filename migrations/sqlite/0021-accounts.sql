-- One user of the app may have several accounts of a provider. A label tells them apart, which stands sealed in the grant's profile.
CREATE TABLE external_ids_next (
  external_hash BLOB NOT NULL,
  client_id     TEXT NOT NULL,
  provider      TEXT NOT NULL,
  -- Keyed hash of the label. In rows from before there were labels, the subject is the label, and this is the grant's subject_hash.
  account_hash  BLOB NOT NULL,
  grant_id      TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  PRIMARY KEY (external_hash, client_id, provider, account_hash)
) STRICT, WITHOUT ROWID;

DROP INDEX external_ids_by_grant;
-- A user knows an account by one label.
CREATE UNIQUE INDEX external_ids_by_grant ON external_ids_next (grant_id, external_hash);
CREATE INDEX external_ids_by_account ON external_ids_next (account_hash, grant_id);

INSERT OR IGNORE INTO external_ids_next (external_hash, client_id, provider, account_hash, grant_id)
SELECT external_hash, external_ids.client_id, external_ids.provider, subject_hash, external_ids.grant_id
FROM external_ids JOIN grants ON grants.grant_id = external_ids.grant_id;

DROP TABLE external_ids;
ALTER TABLE external_ids_next RENAME TO external_ids;
