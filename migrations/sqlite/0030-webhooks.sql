-- When apps are told that a consent ends soon. Null: no end is known, or they were told.
ALTER TABLE grants ADD COLUMN announce_end_at INTEGER;
CREATE INDEX grants_by_announcement ON grants (announce_end_at, grant_id)
  WHERE announce_end_at IS NOT NULL AND state IN ('active', 'suspect');

-- How far the events have been delivered to the app's address, by which process, and why not any more.
CREATE TABLE webhook (
  only_row INT NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  url_hash TEXT NOT NULL,
  position INTEGER NOT NULL,
  owner    TEXT,
  seen_at  INTEGER NOT NULL,
  stopped  TEXT
) STRICT, WITHOUT ROWID;

-- Events up to the position that were not delivered. Those of one line, such as a grant, go one after the other: only the first
-- has a time of its next try.
CREATE TABLE webhook_waiting (
  seq      INTEGER PRIMARY KEY,
  line     TEXT NOT NULL,
  tries    INTEGER NOT NULL,
  first_at INTEGER,
  next_at  INTEGER,
  error    TEXT,
  dead_at  INTEGER
) STRICT;

CREATE INDEX webhook_waiting_by_line ON webhook_waiting (line, seq) WHERE dead_at IS NULL;
CREATE INDEX webhook_waiting_due ON webhook_waiting (next_at, seq) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_waiting_dead ON webhook_waiting (seq) WHERE dead_at IS NOT NULL;

-- Whether a provider, or our client there, was in trouble when it was last heard of: each change is told once, by one process.
CREATE TABLE provider_conditions (
  provider  TEXT NOT NULL,
  client_id TEXT NOT NULL,
  condition TEXT NOT NULL,
  since     INTEGER NOT NULL,
  PRIMARY KEY (provider, client_id)
) STRICT, WITHOUT ROWID;
