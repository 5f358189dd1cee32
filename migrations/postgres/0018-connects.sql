-- Links by which a person connects an account. A link and its state are found by keyed hashes of what stands in addresses.
CREATE TABLE connects (
  connect_hash BYTEA PRIMARY KEY,
  -- What the app asked for when it made the link.
  asked_sealed BYTEA NOT NULL,
  -- The browser that has begun, what was sent to the provider, and the code that came back. Null: nobody has begun.
  flow_sealed  BYTEA,
  state_hash   BYTEA,
  -- How many wrong verifiers were sent.
  tries        BIGINT NOT NULL,
  -- Why it failed. Null: it has not.
  error        TEXT COLLATE "C",
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  -- When it finished or failed.
  ended_at     BIGINT
);

CREATE UNIQUE INDEX connects_by_state ON connects (state_hash) WHERE state_hash IS NOT NULL;
CREATE INDEX connects_by_expiry ON connects (expires_at);

-- Until when the answer to a code is held for somebody who must prove that the sign-in was theirs. Null: it is not held.
ALTER TABLE intakes ADD COLUMN held_until BIGINT;

CREATE INDEX intakes_open ON intakes (started_at, code_hash) WHERE ended_at IS NULL AND held_until IS NULL;
CREATE INDEX intakes_held ON intakes (held_until, code_hash) WHERE held_until IS NOT NULL;
