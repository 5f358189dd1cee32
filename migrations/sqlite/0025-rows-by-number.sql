-- Tables whose rows are wide get rows by number. In a table WITHOUT ROWID, SQLite keeps a row of more than a thousand bytes in
-- a page of 4 KB that is its own: four fifths of a large file were empty, and a read touched twice as many pages. Their
-- secondary indexes held the whole primary key as well.
--
-- In one transaction, in the order of the keys, and with no more memory than the page cache: SQLite writes the rest to its log.
-- Foreign keys are off while migrations run: to drop a table deletes its rows first, and with them what refers to them. The older
-- way to rename leaves the references of other tables as they are.
PRAGMA legacy_alter_table = ON;

ALTER TABLE grants RENAME TO grants_before;
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
) STRICT;

INSERT INTO grants (
  grant_id, provider, issuer, client_id, subject_hash, profile_sealed, scope, state, reason, state_since, generation,
  refresh_sealed, refresh_expires_at, refresh_prefix_hash, refresh_digest_hash, access_sealed, access_issued_at,
  access_expires_at, last_refresh_at, last_error, last_error_at, failures, retry_at, created_at, updated_at,
  lost_scope, look_at, consent_expires_at, identity_mac, reseals
)
SELECT
  grant_id, provider, issuer, client_id, subject_hash, profile_sealed, scope, state, reason, state_since, generation,
  refresh_sealed, refresh_expires_at, refresh_prefix_hash, refresh_digest_hash, access_sealed, access_issued_at,
  access_expires_at, last_refresh_at, last_error, last_error_at, failures, retry_at, created_at, updated_at,
  lost_scope, look_at, consent_expires_at, identity_mac, reseals
FROM grants_before ORDER BY grant_id;

DROP TABLE grants_before;

CREATE UNIQUE INDEX grants_by_subject ON grants (subject_hash, client_id);
CREATE INDEX grants_by_refresh_digest ON grants (refresh_digest_hash) WHERE refresh_digest_hash IS NOT NULL;
CREATE INDEX grants_by_look ON grants (look_at, grant_id) WHERE look_at IS NOT NULL;
CREATE INDEX grants_active ON grants (grant_id) WHERE state = 'active';
CREATE INDEX grants_suspect ON grants (grant_id) WHERE state = 'suspect';
CREATE INDEX grants_lapsed ON grants (grant_id) WHERE state = 'lapsed';
CREATE INDEX grants_revoking ON grants (grant_id) WHERE state = 'revoking';
CREATE INDEX grants_revoked ON grants (grant_id) WHERE state = 'revoked';
-- When an idle grant is refreshed: by the provider's record, which the statement knows, so by slot and last exchange;
CREATE INDEX grants_by_exchange ON grants (client_id, keep_alive_slot, access_issued_at, grant_id)
  WHERE state = 'active' AND refresh_sealed IS NOT NULL;
-- and by the end that was announced for its refresh token, after 160 to 224 parts of 320 of its life. In those parts, so that it
-- is a whole number.
CREATE INDEX grants_by_announced_end
  ON grants (client_id, (access_issued_at * (160 - keep_alive_slot) + refresh_expires_at * (160 + keep_alive_slot)), grant_id)
  WHERE state = 'active' AND refresh_sealed IS NOT NULL AND refresh_expires_at IS NOT NULL;

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

ALTER TABLE external_ids RENAME TO external_ids_before;
CREATE TABLE external_ids (
  external_hash BLOB NOT NULL,
  client_id     TEXT NOT NULL,
  provider      TEXT NOT NULL,
  -- Keyed hash of the label. In rows from before there were labels, the subject is the label, and this is the grant's subject_hash.
  account_hash  BLOB NOT NULL,
  grant_id      TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE
) STRICT;

INSERT INTO external_ids (external_hash, client_id, provider, account_hash, grant_id)
SELECT external_hash, client_id, provider, account_hash, grant_id
FROM external_ids_before ORDER BY external_hash, client_id, provider, account_hash;

DROP TABLE external_ids_before;

CREATE UNIQUE INDEX external_ids_by_meaning ON external_ids (external_hash, client_id, provider, account_hash);
-- A user knows an account by one label.
CREATE UNIQUE INDEX external_ids_by_grant ON external_ids (grant_id, external_hash);
CREATE INDEX external_ids_by_account ON external_ids (account_hash, grant_id);

ALTER TABLE intakes RENAME TO intakes_before;
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

INSERT INTO intakes (
  code_hash, state, client_id, owner, context_sealed, answer_sealed, grant_id, rejection, started_at, ended_at, result_mac,
  assertion_sealed, held_until
)
SELECT
  code_hash, state, client_id, owner, context_sealed, answer_sealed, grant_id, rejection, started_at, ended_at, result_mac,
  assertion_sealed, held_until
FROM intakes_before ORDER BY code_hash;

DROP TABLE intakes_before;

CREATE INDEX intakes_open ON intakes (started_at, code_hash) WHERE ended_at IS NULL AND held_until IS NULL;
CREATE INDEX intakes_by_end ON intakes (ended_at);
CREATE INDEX intakes_held ON intakes (held_until, code_hash) WHERE held_until IS NOT NULL;

ALTER TABLE connects RENAME TO connects_before;
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

INSERT INTO connects (connect_hash, asked_sealed, flow_sealed, state_hash, tries, error, created_at, expires_at, ended_at)
SELECT connect_hash, asked_sealed, flow_sealed, state_hash, tries, error, created_at, expires_at, ended_at
FROM connects_before ORDER BY connect_hash;

DROP TABLE connects_before;

CREATE INDEX connects_by_expiry ON connects (expires_at);
CREATE UNIQUE INDEX connects_by_state ON connects (state_hash) WHERE state_hash IS NOT NULL;

ALTER TABLE orphans RENAME TO orphans_before;
CREATE TABLE orphans (
  orphan_id         TEXT NOT NULL PRIMARY KEY,
  grant_id          TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  parent_generation INTEGER NOT NULL,
  answer_sealed     BLOB NOT NULL,
  received_at       INTEGER NOT NULL
) STRICT;

INSERT INTO orphans (orphan_id, grant_id, parent_generation, answer_sealed, received_at)
SELECT orphan_id, grant_id, parent_generation, answer_sealed, received_at FROM orphans_before ORDER BY orphan_id;

DROP TABLE orphans_before;

CREATE INDEX orphans_by_grant ON orphans (grant_id, parent_generation);

PRAGMA legacy_alter_table = OFF;
