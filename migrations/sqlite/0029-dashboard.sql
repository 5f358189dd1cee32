-- Who is signed in to the dashboard. A link lets somebody in once; its row goes when it does. Of links and sessions only keyed
-- hashes are kept; operator_mac binds the whole row, so that nobody who writes the database alone can make one.
CREATE TABLE dashboard_links (
  link_id      TEXT PRIMARY KEY,
  link_hash    BLOB NOT NULL,
  role         TEXT NOT NULL CHECK (role IN ('operator', 'reader')),
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  operator_mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX dashboard_links_by_end ON dashboard_links (expires_at);

CREATE TABLE operator_sessions (
  operator_session_id TEXT PRIMARY KEY,
  cookie_hash         BLOB NOT NULL,
  role                TEXT NOT NULL CHECK (role IN ('operator', 'reader')),
  begun_at            INTEGER NOT NULL,
  ends_at             INTEGER NOT NULL,
  last_used_at        INTEGER NOT NULL,
  operator_mac        BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX operator_sessions_by_end ON operator_sessions (ends_at, operator_session_id);

-- How refreshes have ended, by the quarter of an hour. Services add what they have counted after ten seconds.
CREATE TABLE refresh_counts (
  quarter_at INTEGER NOT NULL,
  provider   TEXT NOT NULL,
  outcome    TEXT NOT NULL,
  refreshes  INTEGER NOT NULL,
  PRIMARY KEY (quarter_at, provider, outcome)
) STRICT, WITHOUT ROWID;
