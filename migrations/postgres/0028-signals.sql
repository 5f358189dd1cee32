-- Security events that were taken: each once, whichever process it is delivered to, and however often.
CREATE TABLE signals (
  -- Keyed hash of the issuer and its jti.
  signal_hash BYTEA PRIMARY KEY,
  -- Of a verification: keyed hash of the state that was asked with. Null for all others.
  state_hash  BYTEA,
  received_at BIGINT NOT NULL
);
CREATE INDEX signals_by_time ON signals (received_at);
CREATE INDEX signals_by_state ON signals (state_hash) WHERE state_hash IS NOT NULL;

-- What was said of a grant, the last time for each kind of event: the evidence for what became of it.
CREATE TABLE grant_signals (
  grant_id    TEXT COLLATE "C" NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  event       TEXT COLLATE "C" NOT NULL,
  said_reason TEXT COLLATE "C",
  happened_at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  effect      TEXT COLLATE "C" NOT NULL CHECK (effect IN ('lapse', 'suspect', 'look', 'note')),
  PRIMARY KEY (grant_id, event)
);

-- A security event may name a refresh token by its first characters, and nothing else.
CREATE INDEX grants_by_refresh_prefix ON grants (refresh_prefix_hash) WHERE refresh_prefix_hash IS NOT NULL;
