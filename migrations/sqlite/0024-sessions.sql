-- Keys for minutes or hours that a caller makes, never for more than it may do and see itself. They end with it. What a
-- session may do and see is sealed, since it names the app's own users; session_mac binds the whole row. Names of columns
-- differ from those of callers, with which a session is always read.
CREATE TABLE sessions (
  session_id    TEXT PRIMARY KEY,
  caller_id     TEXT NOT NULL REFERENCES callers (caller_id) ON DELETE CASCADE,
  session_hash  BLOB NOT NULL,
  limits_sealed BLOB NOT NULL,
  begun_at      INTEGER NOT NULL,
  ends_at       INTEGER NOT NULL,
  session_mac   BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_caller ON sessions (caller_id, ends_at, session_id);
CREATE INDEX sessions_by_end ON sessions (ends_at, session_id);

-- In which of its sessions a caller did something.
ALTER TABLE audit ADD COLUMN session_id TEXT;
