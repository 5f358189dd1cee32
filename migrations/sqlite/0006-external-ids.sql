-- By which of the app's own user ids a grant is known. The ids themselves stand sealed in the grant's profile.
CREATE TABLE external_ids (
  external_hash BLOB NOT NULL,
  client_id     TEXT NOT NULL,
  provider      TEXT NOT NULL,
  -- 0 for the one grant that a user id means. More: an older version let one user id mean several.
  duplicate     INTEGER NOT NULL DEFAULT 0,
  grant_id      TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  PRIMARY KEY (external_hash, client_id, provider, duplicate)
) STRICT, WITHOUT ROWID;

CREATE INDEX external_ids_by_grant ON external_ids (grant_id);

INSERT INTO external_ids (external_hash, client_id, provider, duplicate, grant_id)
SELECT external_hash, client_id, provider,
  ROW_NUMBER() OVER (
    PARTITION BY external_hash, client_id, provider
    ORDER BY CASE WHEN state IN ('revoking', 'revoked') THEN 1 ELSE 0 END, updated_at DESC, grant_id
  ) - 1,
  grant_id
FROM grants WHERE external_hash IS NOT NULL;

DROP INDEX grants_by_external;
ALTER TABLE grants DROP COLUMN external_hash;
