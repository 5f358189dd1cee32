-- Handles: what a caller sends to the token endpoint in the place of a refresh token. Only keyed hashes of them are kept.
CREATE TABLE handles (
  handle_id    TEXT COLLATE "C" PRIMARY KEY,
  grant_id     TEXT COLLATE "C" NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  provider     TEXT COLLATE "C" NOT NULL,
  -- The one caller that may use it.
  caller_id    TEXT COLLATE "C" NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
  secret_hash  BYTEA NOT NULL,
  -- JSON. The largest scopes of tokens that it gives. Null: whatever the grant has.
  scopes       TEXT COLLATE "C",
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT,
  revoked_at   BIGINT,
  last_used_at BIGINT,
  -- A keyed hash of all that grants a right.
  rights_mac   BYTEA NOT NULL
);
CREATE INDEX handles_by_grant ON handles (grant_id, created_at, handle_id);
