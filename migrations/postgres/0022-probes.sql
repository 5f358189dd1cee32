-- The last look at the provider for each grant that somebody asked about: begun by one process for all of them, so that
-- nobody looks twice within seconds. Its answer is null while it is under way.
CREATE TABLE probes (
  grant_id   TEXT COLLATE "C" PRIMARY KEY REFERENCES grants (grant_id) ON DELETE CASCADE,
  begun_at   BIGINT NOT NULL,
  -- The grant's generation when the answer was there.
  generation BIGINT,
  checked_at BIGINT,
  answer     TEXT COLLATE "C"
);
