-- A key of one of our clients at an issuer, sealed: refresh tokens are bound to it (RFC 9449). Without it they are dead.
CREATE TABLE client_keys (
  issuer     TEXT NOT NULL,
  client_id  TEXT NOT NULL,
  key_sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, client_id)
);
