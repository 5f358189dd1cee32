-- When apps are told that a consent ends soon. Null: no end is known, or they were told.
ALTER TABLE grants ADD COLUMN announce_end_at BIGINT;
CREATE INDEX grants_by_announcement ON grants (announce_end_at, grant_id)
  WHERE announce_end_at IS NOT NULL AND state IN ('active', 'suspect');

-- How far the events have been delivered to the app's address, by which process, and why not any more.
CREATE TABLE webhook (
  only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
  url_hash TEXT COLLATE "C" NOT NULL,
  position BIGINT NOT NULL,
  owner    TEXT COLLATE "C",
  seen_at  BIGINT NOT NULL,
  stopped  TEXT
);

-- Events up to the position that were not delivered. Those of one line, such as a grant, go one after the other: only the first
-- has a time of its next try.
CREATE TABLE webhook_waiting (
  seq      BIGINT PRIMARY KEY,
  line     TEXT COLLATE "C" NOT NULL,
  tries    INTEGER NOT NULL,
  first_at BIGINT,
  next_at  BIGINT,
  error    TEXT,
  dead_at  BIGINT
);

CREATE INDEX webhook_waiting_by_line ON webhook_waiting (line, seq) WHERE dead_at IS NULL;
CREATE INDEX webhook_waiting_due ON webhook_waiting (next_at, seq) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_waiting_dead ON webhook_waiting (seq) WHERE dead_at IS NOT NULL;

-- Whether a provider, or our client there, was in trouble when it was last heard of: each change is told once, by one process.
CREATE TABLE provider_conditions (
  provider  TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  condition TEXT COLLATE "C" NOT NULL,
  since     BIGINT NOT NULL,
  PRIMARY KEY (provider, client_id)
);
