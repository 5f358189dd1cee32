-- Handles: what a caller sends to the token endpoint in the place of a refresh token. Only keyed hashes of them are kept.
CREATE TABLE handles (
  handle_id    TEXT PRIMARY KEY,
  grant_id     TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  provider     TEXT NOT NULL,
  -- The one caller that may use it.
  caller_id    TEXT NOT NULL,
  name         TEXT NOT NULL,
  secret_hash  BLOB NOT NULL,
  -- JSON. The largest scopes of tokens that it gives. Null: whatever the grant has.
  scopes       TEXT,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  revoked_at   INTEGER,
  last_used_at INTEGER,
  -- A keyed hash of all that grants a right.
  rights_mac   BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX handles_by_grant ON handles (grant_id, created_at, handle_id);
