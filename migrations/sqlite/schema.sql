-- What the migrations of this folder result in. Written by tools/dump-schema.ts; not run by anything.

CREATE TABLE attempts (
  grant_id      TEXT PRIMARY KEY REFERENCES grants (grant_id) ON DELETE CASCADE,
  attempt_id    TEXT NOT NULL UNIQUE,
  generation    INTEGER NOT NULL,
  owner         TEXT NOT NULL,
  started_at    INTEGER NOT NULL,
  ended_unknown INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  seq        INTEGER PRIMARY KEY,
  record_id  TEXT NOT NULL UNIQUE,
  at         INTEGER NOT NULL,
  caller     TEXT NOT NULL,
  action     TEXT NOT NULL,
  grant_id   TEXT,
  generation INTEGER,
  outcome    TEXT NOT NULL,
  detail     TEXT,
  request_id TEXT,
  mac        BLOB NOT NULL,
  link       BLOB NOT NULL
, anchor INTEGER, session_id TEXT) STRICT;

CREATE INDEX audit_by_caller ON audit (caller, seq);

CREATE INDEX audit_by_grant ON audit (grant_id, seq) WHERE grant_id IS NOT NULL;

CREATE UNIQUE INDEX audit_by_release ON audit (grant_id, caller, generation, detail) WHERE action = 'token.released';

CREATE INDEX audit_prunings ON audit (seq) WHERE action = 'audit.pruned';

CREATE TABLE audit_head (
  only_row INT NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  seq      INTEGER NOT NULL,
  link     BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE callers (
  caller_id   TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  key_hash    BLOB NOT NULL,
  permissions TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER,
  revoked_at  INTEGER
, grants_sealed BLOB, providers TEXT, previous_hash BLOB, previous_until INTEGER, last_used_at INTEGER, rights_mac BLOB) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX callers_by_name ON callers (name) WHERE revoked_at IS NULL;

CREATE TABLE client_keys (
  issuer     TEXT NOT NULL,
  client_id  TEXT NOT NULL,
  key_sealed BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE connects (
  connect_hash BLOB NOT NULL PRIMARY KEY,
  -- What the app asked for when it made the link.
  asked_sealed BLOB NOT NULL,
  -- The browser that has begun, what was sent to the provider, and the code that came back. Null: nobody has begun.
  flow_sealed  BLOB,
  state_hash   BLOB,
  -- How many wrong verifiers were sent.
  tries        INTEGER NOT NULL,
  -- Why it failed. Null: it has not.
  error        TEXT,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  -- When it finished or failed.
  ended_at     INTEGER
) STRICT;

CREATE INDEX connects_by_expiry ON connects (expires_at);

CREATE UNIQUE INDEX connects_by_state ON connects (state_hash) WHERE state_hash IS NOT NULL;

CREATE TABLE dashboard_links (
  link_id      TEXT PRIMARY KEY,
  link_hash    BLOB NOT NULL,
  role         TEXT NOT NULL CHECK (role IN ('operator', 'reader')),
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  operator_mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX dashboard_links_by_end ON dashboard_links (expires_at);

CREATE TABLE data_keys (
  key_id        INTEGER PRIMARY KEY,
  key_class     TEXT NOT NULL,
  master_key_id TEXT NOT NULL,
  wrapped       BLOB NOT NULL
, state TEXT NOT NULL DEFAULT 'current', since INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE deposits (
  token_hash   BLOB PRIMARY KEY,
  grant_id     TEXT REFERENCES grants (grant_id) ON DELETE CASCADE,
  -- Says that we wrote which grant it is. Null without a grant.
  result_mac   BLOB,
  deposited_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX deposits_by_grant ON deposits (grant_id) WHERE grant_id IS NOT NULL;

CREATE TABLE event_head (
  only_row INT NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  seq      INTEGER NOT NULL,
  pruned   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id  TEXT NOT NULL,
  at        INTEGER NOT NULL,
  type      TEXT NOT NULL,
  grant_id  TEXT,
  provider  TEXT NOT NULL,
  client_id TEXT NOT NULL,
  body      TEXT NOT NULL
) STRICT;

CREATE INDEX events_by_grant ON events (grant_id, seq) WHERE grant_id IS NOT NULL;

CREATE TRIGGER events_added AFTER INSERT ON events BEGIN
  UPDATE event_head SET seq = NEW.seq;
END;

CREATE TABLE external_ids (
  external_hash BLOB NOT NULL,
  client_id     TEXT NOT NULL,
  provider      TEXT NOT NULL,
  -- Keyed hash of the label. In rows from before there were labels, the subject is the label, and this is the grant's subject_hash.
  account_hash  BLOB NOT NULL,
  grant_id      TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE
) STRICT;

CREATE INDEX external_ids_by_account ON external_ids (account_hash, grant_id);

CREATE UNIQUE INDEX external_ids_by_grant ON external_ids (grant_id, external_hash);

CREATE UNIQUE INDEX external_ids_by_meaning ON external_ids (external_hash, client_id, provider, account_hash);

CREATE TABLE grant_changes (
  change_seq INTEGER PRIMARY KEY AUTOINCREMENT,
  grant_id   TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE grant_signals (
  grant_id    TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  event       TEXT NOT NULL,
  said_reason TEXT,
  happened_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  effect      TEXT NOT NULL CHECK (effect IN ('lapse', 'suspect', 'look', 'note')),
  PRIMARY KEY (grant_id, event)
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
  grant_id            TEXT NOT NULL PRIMARY KEY,
  provider            TEXT NOT NULL,
  issuer              TEXT NOT NULL,
  client_id           TEXT NOT NULL,
  subject_hash        BLOB NOT NULL,
  profile_sealed      BLOB NOT NULL,
  scope               TEXT NOT NULL,
  state               TEXT NOT NULL CHECK (state IN ('active', 'suspect', 'lapsed', 'revoking', 'revoked')),
  reason              TEXT,
  state_since         INTEGER NOT NULL,
  -- How many exchanges were committed. A refresh commits only onto the generation whose token it sent.
  generation          INTEGER NOT NULL,
  refresh_sealed      BLOB,
  refresh_expires_at  INTEGER,
  refresh_prefix_hash BLOB,
  refresh_digest_hash BLOB,
  access_sealed       BLOB,
  access_issued_at    INTEGER,
  access_expires_at   INTEGER,
  last_refresh_at     INTEGER,
  last_error          TEXT,
  last_error_at       INTEGER,
  failures            INTEGER NOT NULL DEFAULT 0,
  retry_at            INTEGER,
  created_at          INTEGER NOT NULL,
  updated_at          INTEGER NOT NULL,
  lost_scope          TEXT NOT NULL DEFAULT '',
  look_at             INTEGER,
  consent_expires_at  INTEGER,
  identity_mac        BLOB,
  reseals             INTEGER NOT NULL DEFAULT 0,
  -- When a grant that nobody uses is refreshed depends on its id: one of 64 parts of the time in which it is. All that are due
  -- then stand together in an index, and none that is not.
  keep_alive_slot     INTEGER GENERATED ALWAYS AS (max(
    instr('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', substr(grant_id, 3, 1)) - 1, 0
  )) VIRTUAL
, announce_end_at INTEGER, consented_at INTEGER, withheld_scope TEXT NOT NULL DEFAULT '', last_error_says TEXT, doubt TEXT, died_at INTEGER, died_after INTEGER, died_before INTEGER) STRICT;

CREATE INDEX grants_active ON grants (grant_id) WHERE state = 'active';

CREATE INDEX grants_by_announced_end
  ON grants (client_id, (access_issued_at * (160 - keep_alive_slot) + refresh_expires_at * (160 + keep_alive_slot)), grant_id)
  WHERE state = 'active' AND refresh_sealed IS NOT NULL AND refresh_expires_at IS NOT NULL;

CREATE INDEX grants_by_announcement ON grants (announce_end_at, grant_id)
  WHERE announce_end_at IS NOT NULL AND state IN ('active', 'suspect');

CREATE INDEX grants_by_consent ON grants (client_id, consented_at) WHERE consented_at IS NOT NULL;

CREATE INDEX grants_by_death ON grants (client_id, died_at) WHERE died_at IS NOT NULL;

CREATE INDEX grants_by_exchange ON grants (client_id, keep_alive_slot, access_issued_at, grant_id)
  WHERE state = 'active' AND refresh_sealed IS NOT NULL;

CREATE INDEX grants_by_look ON grants (look_at, grant_id) WHERE look_at IS NOT NULL;

CREATE INDEX grants_by_refresh_digest ON grants (refresh_digest_hash) WHERE refresh_digest_hash IS NOT NULL;

CREATE INDEX grants_by_refresh_prefix ON grants (refresh_prefix_hash) WHERE refresh_prefix_hash IS NOT NULL;

CREATE UNIQUE INDEX grants_by_subject ON grants (subject_hash, client_id);

CREATE INDEX grants_lapsed ON grants (grant_id) WHERE state = 'lapsed';

CREATE INDEX grants_revoked ON grants (grant_id) WHERE state = 'revoked';

CREATE INDEX grants_revoking ON grants (grant_id) WHERE state = 'revoking';

CREATE INDEX grants_suspect ON grants (grant_id) WHERE state = 'suspect';

CREATE INDEX grants_to_lapse ON grants (state, COALESCE(access_expires_at, state_since), grant_id)
  WHERE refresh_sealed IS NULL AND state = 'active' AND (access_expires_at IS NOT NULL OR access_sealed IS NULL);

CREATE INDEX grants_without_refresh ON grants (state, grant_id, access_expires_at)
  WHERE refresh_sealed IS NULL AND state = 'active' AND (access_expires_at IS NOT NULL OR access_sealed IS NULL);

CREATE TRIGGER grants_deleted AFTER DELETE ON grants BEGIN
  DELETE FROM grant_changes WHERE grant_id = OLD.grant_id;
  INSERT INTO grant_changes (grant_id) VALUES (OLD.grant_id);
END;

CREATE TRIGGER grants_inserted AFTER INSERT ON grants BEGIN
  DELETE FROM grant_changes WHERE grant_id = NEW.grant_id;
  INSERT INTO grant_changes (grant_id) VALUES (NEW.grant_id);
END;

CREATE TRIGGER grants_updated AFTER UPDATE ON grants WHEN OLD.reseals = NEW.reseals BEGIN
  DELETE FROM grant_changes WHERE grant_id = NEW.grant_id;
  INSERT INTO grant_changes (grant_id) VALUES (NEW.grant_id);
END;

CREATE TABLE handles (
  handle_id    TEXT PRIMARY KEY,
  grant_id     TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  provider     TEXT NOT NULL,
  -- The one caller that may use it.
  caller_id    TEXT NOT NULL,
  name         TEXT NOT NULL,
  secret_hash  BLOB NOT NULL,
  -- JSON. The largest scopes of tokens that it gives. Null: whatever the grant has.
  scopes       TEXT,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  revoked_at   INTEGER,
  last_used_at INTEGER,
  -- A keyed hash of all that grants a right.
  rights_mac   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX handles_by_grant ON handles (grant_id, created_at, handle_id);

CREATE TABLE intakes (
  code_hash        BLOB NOT NULL PRIMARY KEY,
  state            TEXT NOT NULL CHECK (state IN ('spending', 'answered', 'done', 'rejected')),
  client_id        TEXT NOT NULL,
  owner            TEXT NOT NULL,
  context_sealed   BLOB NOT NULL,
  answer_sealed    BLOB,
  grant_id         TEXT,
  rejection        TEXT,
  started_at       INTEGER NOT NULL,
  ended_at         INTEGER,
  result_mac       BLOB,
  assertion_sealed BLOB,
  held_until       INTEGER
) STRICT;

CREATE INDEX intakes_by_end ON intakes (ended_at);

CREATE INDEX intakes_held ON intakes (held_until, code_hash) WHERE held_until IS NOT NULL;

CREATE INDEX intakes_open ON intakes (started_at, code_hash) WHERE ended_at IS NULL AND held_until IS NULL;

CREATE TABLE key_readers (
  owner   TEXT PRIMARY KEY,
  revision   INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE onbehalf_migrations (name TEXT PRIMARY KEY, applied_at BIGINT NOT NULL, checksum TEXT);

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

CREATE TABLE orphans (
  orphan_id         TEXT NOT NULL PRIMARY KEY,
  grant_id          TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  parent_generation INTEGER NOT NULL,
  answer_sealed     BLOB NOT NULL,
  received_at       INTEGER NOT NULL
) STRICT;

CREATE INDEX orphans_by_grant ON orphans (grant_id, parent_generation);

CREATE TABLE probes (
  grant_id   TEXT PRIMARY KEY REFERENCES grants (grant_id) ON DELETE CASCADE,
  begun_at   INTEGER NOT NULL,
  -- The grant's generation when the answer was there.
  generation INTEGER,
  checked_at INTEGER,
  answer     TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE provider_conditions (
  provider  TEXT NOT NULL,
  client_id TEXT NOT NULL,
  condition TEXT NOT NULL,
  since     INTEGER NOT NULL,
  PRIMARY KEY (provider, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE refresh_counts (
  quarter_at INTEGER NOT NULL,
  provider   TEXT NOT NULL,
  outcome    TEXT NOT NULL,
  refreshes  INTEGER NOT NULL,
  PRIMARY KEY (quarter_at, provider, outcome)
) STRICT, WITHOUT ROWID;

CREATE TABLE registered_clients (
  provider            TEXT NOT NULL,
  server              TEXT NOT NULL,
  -- Empty while one process finds out or registers.
  client_id           TEXT NOT NULL,
  registration_sealed BLOB,
  changed_at          INTEGER NOT NULL,
  PRIMARY KEY (provider, server)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE signals (
  -- Keyed hash of the issuer and its jti.
  signal_hash BLOB PRIMARY KEY,
  -- Of a verification: keyed hash of the state that was asked with. Null for all others.
  state_hash  BLOB,
  received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX signals_by_state ON signals (state_hash) WHERE state_hash IS NOT NULL;

CREATE INDEX signals_by_time ON signals (received_at);

CREATE TABLE store_epochs (
  epoch      INTEGER PRIMARY KEY,
  why        TEXT NOT NULL CHECK (why IN ('restored', 'copied', 'told')),
  noticed_at INTEGER NOT NULL,
  -- When it was last known to be itself. Null: never.
  backup_at  INTEGER,
  -- The numbers between these two are left out of the audit log.
  audit_from INTEGER NOT NULL DEFAULT 0,
  audit_to   INTEGER NOT NULL DEFAULT 0,
  settled_at INTEGER,
  outcome    TEXT CHECK (outcome IN ('restored', 'moved'))
) STRICT;

CREATE TRIGGER store_epochs_begun AFTER INSERT ON store_epochs BEGIN
  INSERT INTO sqlite_sequence (name, seq)
    SELECT 'events', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'events');
  UPDATE sqlite_sequence SET seq = seq + 1000000000 WHERE name IN ('events', 'grant_changes');
  UPDATE event_head SET seq = seq + 1000000000;
  UPDATE store_epochs SET audit_from = COALESCE((SELECT seq FROM audit_head), 0) WHERE epoch = NEW.epoch;
  UPDATE audit_head SET seq = seq + 1000000000;
  UPDATE store_epochs SET audit_to = COALESCE((SELECT seq FROM audit_head), 0) WHERE epoch = NEW.epoch;
END;

CREATE TABLE store_marks (
  mark_no    INTEGER PRIMARY KEY,
  mark       TEXT NOT NULL,
  at         INTEGER NOT NULL,
  -- The number of the latest change of a grant.
  change_seq INTEGER NOT NULL,
  -- Where the database was, as JSON.
  place      TEXT NOT NULL
) STRICT;

CREATE TABLE tickets (
  ticket_hash    BLOB PRIMARY KEY,
  context_sealed BLOB NOT NULL,
  issued_at      INTEGER NOT NULL,
  code_hash      BLOB,
  bound_at       INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX tickets_by_issue ON tickets (issued_at);

CREATE TABLE webhook (
  only_row INT NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  url_hash TEXT NOT NULL,
  position INTEGER NOT NULL,
  owner    TEXT,
  seen_at  INTEGER NOT NULL,
  stopped  TEXT
) STRICT, WITHOUT ROWID;

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

CREATE INDEX webhook_waiting_dead ON webhook_waiting (seq) WHERE dead_at IS NOT NULL;

CREATE INDEX webhook_waiting_due ON webhook_waiting (next_at, seq) WHERE next_at IS NOT NULL;
