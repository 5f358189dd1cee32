-- Who is signed in to the dashboard. A link lets somebody in once; its row goes when it does. Of links and sessions only keyed
-- hashes are kept; operator_mac binds the whole row, so that nobody who writes the database alone can make one.
CREATE TABLE dashboard_links (
  link_id      TEXT COLLATE "C" PRIMARY KEY,
  link_hash    BYTEA NOT NULL,
  role         TEXT COLLATE "C" NOT NULL CHECK (role IN ('operator', 'reader')),
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  operator_mac BYTEA NOT NULL
);
CREATE INDEX dashboard_links_by_end ON dashboard_links (expires_at);

CREATE TABLE operator_sessions (
  operator_session_id TEXT COLLATE "C" PRIMARY KEY,
  cookie_hash         BYTEA NOT NULL,
  role                TEXT COLLATE "C" NOT NULL CHECK (role IN ('operator', 'reader')),
  begun_at            BIGINT NOT NULL,
  ends_at             BIGINT NOT NULL,
  last_used_at        BIGINT NOT NULL,
  operator_mac        BYTEA NOT NULL
);
CREATE INDEX operator_sessions_by_end ON operator_sessions (ends_at, operator_session_id);

-- How refreshes have ended, by the quarter of an hour. Services add what they have counted after ten seconds.
CREATE TABLE refresh_counts (
  quarter_at BIGINT NOT NULL,
  provider   TEXT COLLATE "C" NOT NULL,
  outcome    TEXT COLLATE "C" NOT NULL,
  refreshes  BIGINT NOT NULL,
  PRIMARY KEY (quarter_at, provider, outcome)
);
