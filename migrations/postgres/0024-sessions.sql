-- Keys for minutes or hours that a caller makes, never for more than it may do and see itself. They end with it. What a
-- session may do and see is sealed, since it names the app's own users; session_mac binds the whole row. Names of columns
-- differ from those of callers, with which a session is always read.
CREATE TABLE sessions (
  session_id    TEXT COLLATE "C" PRIMARY KEY,
  caller_id     TEXT COLLATE "C" NOT NULL REFERENCES callers (caller_id) ON DELETE CASCADE,
  session_hash  BYTEA NOT NULL,
  limits_sealed BYTEA NOT NULL,
  begun_at      BIGINT NOT NULL,
  ends_at       BIGINT NOT NULL,
  session_mac   BYTEA NOT NULL
);
CREATE INDEX sessions_by_caller ON sessions (caller_id, ends_at, session_id);
CREATE INDEX sessions_by_end ON sessions (ends_at, session_id);

-- In which of its sessions a caller did something.
ALTER TABLE audit ADD COLUMN session_id TEXT;
