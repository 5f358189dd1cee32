-- Refresh tokens that were deposited, by keyed hashes, for as long as their grants are there. A token that a provider has
-- replaced must never be sent again: strict providers then end everything that came of it. No grant: nobody knows whether
-- the provider has replaced it.
CREATE TABLE deposits (
  token_hash   BYTEA PRIMARY KEY,
  grant_id     TEXT COLLATE "C" REFERENCES grants (grant_id) ON DELETE CASCADE,
  -- Says that we wrote which grant it is. Null without a grant.
  result_mac   BYTEA,
  deposited_at BIGINT NOT NULL
);

CREATE INDEX deposits_by_grant ON deposits (grant_id) WHERE grant_id IS NOT NULL;
