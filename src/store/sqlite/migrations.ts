/* Written by tools/dump-schema.ts from the files in migrations/sqlite/: change those, and not this one. */
import type { Migration } from "../sql/migrate.ts";

export const migrations: readonly Migration[] = [
  {
    name: "0001-initial",
    checksum: "f9058fa4b1bbaf1cd6eeccafbb034abb3785de8937a89ca2949bf5b7374b0b1d",
    text: `-- Times are milliseconds since the epoch. Blobs named *_sealed are AES-256-GCM, bound to their row, column and
-- generation; blobs named *_hash are keyed hashes. No token, code, e-mail address or user id stands here in clear.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE data_keys (
  key_id        INTEGER PRIMARY KEY,
  key_class     TEXT NOT NULL,
  master_key_id TEXT NOT NULL,
  wrapped       BLOB NOT NULL
) STRICT;

CREATE TABLE grants (
  grant_id            TEXT PRIMARY KEY,
  provider            TEXT NOT NULL,
  issuer              TEXT NOT NULL,
  client_id           TEXT NOT NULL,
  subject_hash        BLOB NOT NULL,
  external_hash       BLOB,
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
  updated_at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX grants_by_subject ON grants (subject_hash, client_id);
CREATE INDEX grants_by_external ON grants (external_hash) WHERE external_hash IS NOT NULL;
-- For those who look for grants that nobody used for long.
CREATE INDEX grants_by_exchange ON grants (access_issued_at) WHERE state = 'active' AND refresh_sealed IS NOT NULL;
CREATE INDEX grants_by_refresh_prefix ON grants (refresh_prefix_hash) WHERE refresh_prefix_hash IS NOT NULL;
CREATE INDEX grants_by_refresh_digest ON grants (refresh_digest_hash) WHERE refresh_digest_hash IS NOT NULL;

-- The last change of each grant, numbered, so that other processes see which ones to read again. Kept by triggers: a
-- statement that forgot it would let a revoked grant go on being served from somebody's memory.
CREATE TABLE grant_changes (
  change_seq INTEGER PRIMARY KEY AUTOINCREMENT,
  grant_id   TEXT NOT NULL UNIQUE
) STRICT;

CREATE TRIGGER grants_inserted AFTER INSERT ON grants BEGIN
  DELETE FROM grant_changes WHERE grant_id = NEW.grant_id;
  INSERT INTO grant_changes (grant_id) VALUES (NEW.grant_id);
END;

CREATE TRIGGER grants_updated AFTER UPDATE ON grants BEGIN
  DELETE FROM grant_changes WHERE grant_id = NEW.grant_id;
  INSERT INTO grant_changes (grant_id) VALUES (NEW.grant_id);
END;

CREATE TRIGGER grants_deleted AFTER DELETE ON grants BEGIN
  DELETE FROM grant_changes WHERE grant_id = OLD.grant_id;
  INSERT INTO grant_changes (grant_id) VALUES (OLD.grant_id);
END;

-- The intent to spend a refresh token, committed before the request leaves; one a grant. It is the lease, too.
CREATE TABLE attempts (
  grant_id      TEXT PRIMARY KEY REFERENCES grants (grant_id) ON DELETE CASCADE,
  attempt_id    TEXT NOT NULL UNIQUE,
  generation    INTEGER NOT NULL,
  owner         TEXT NOT NULL,
  started_at    INTEGER NOT NULL,
  ended_unknown INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Answers that came after the grant had moved on: kept, because one may be the only copy of a live token.
CREATE TABLE orphans (
  orphan_id         TEXT PRIMARY KEY,
  grant_id          TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  parent_generation INTEGER NOT NULL,
  answer_sealed     BLOB NOT NULL,
  received_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX orphans_by_grant ON orphans (grant_id, parent_generation);

-- One-time codes on their way in. The provider's answer is kept here, sealed, before anything that can fail.
CREATE TABLE intakes (
  code_hash      BLOB PRIMARY KEY,
  state          TEXT NOT NULL CHECK (state IN ('spending', 'answered', 'done', 'rejected')),
  client_id      TEXT NOT NULL,
  owner          TEXT NOT NULL,
  context_sealed BLOB NOT NULL,
  answer_sealed  BLOB,
  grant_id       TEXT,
  rejection      TEXT,
  started_at     INTEGER NOT NULL,
  ended_at       INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX intakes_by_end ON intakes (ended_at);

CREATE TABLE callers (
  caller_id   TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  key_hash    BLOB NOT NULL,
  permissions TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER,
  revoked_at  INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX callers_by_name ON callers (name) WHERE revoked_at IS NULL;
`,
  },
  {
    name: "0002-migration-checksums",
    checksum: "487a5d6893a351d5d01e31c4a8a2f76c6fb356547b2de9a04f0f0852a7dd6983",
    text: `-- What was applied, and not only under which name: another text under a name of ours must not pass for it.
ALTER TABLE onbehalf_migrations ADD COLUMN checksum TEXT;
`,
  },
  {
    name: "0003-lost-scope",
    checksum: "963c25558234f72914b5ee0a12019419f23d4ab901d06aa2403e7e6a55ac8bb4",
    text: `-- What a grant covered once and lost, so that whoever asks hears of it, however late.
ALTER TABLE grants ADD COLUMN lost_scope TEXT NOT NULL DEFAULT '';
`,
  },
  {
    name: "0004-grants-by-state",
    checksum: "78b5a6c19b32cda7855f9fef343cad3e2fbf0f1802142f751af6739d9c3a4899",
    text: `-- Lists and sweeps of one state, a page at a time, however many grants are in another state. One index a state: with
-- the state as a column of a single index, SQLite takes that index for every statement that names a state, and walks
-- all active grants where another index finds the few that are wanted.
CREATE INDEX grants_active ON grants (grant_id) WHERE state = 'active';
CREATE INDEX grants_suspect ON grants (grant_id) WHERE state = 'suspect';
CREATE INDEX grants_lapsed ON grants (grant_id) WHERE state = 'lapsed';
CREATE INDEX grants_revoking ON grants (grant_id) WHERE state = 'revoking';
CREATE INDEX grants_revoked ON grants (grant_id) WHERE state = 'revoked';
`,
  },
  {
    name: "0005-look-again",
    checksum: "18bbaf5e36e3f25a55b0688c6ee1caef7d63be516d9b1d9384bb397bce387bc2",
    text: `-- When the provider is asked once more about a refusal: of a grant in use, the second look; of one that has lapsed, the
-- last. Few rows have it, so the sweep that reads the index meets few.
ALTER TABLE grants ADD COLUMN look_at INTEGER;

CREATE INDEX grants_by_look ON grants (look_at, grant_id) WHERE look_at IS NOT NULL;
`,
  },
  {
    name: "0006-external-ids",
    checksum: "f42b400d939e287aedae3d7f117ce538b4e0bd20725096bbd09a98cb2535f616",
    text: `-- By which of the app's own user ids a grant is known. The ids themselves stand sealed in the grant's profile.
CREATE TABLE external_ids (
  external_hash BLOB NOT NULL,
  client_id     TEXT NOT NULL,
  provider      TEXT NOT NULL,
  -- 0 for the one grant that a user id means. More: an older version let one user id mean several.
  duplicate     INTEGER NOT NULL DEFAULT 0,
  grant_id      TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  PRIMARY KEY (external_hash, client_id, provider, duplicate)
) STRICT, WITHOUT ROWID;

CREATE INDEX external_ids_by_grant ON external_ids (grant_id);

INSERT INTO external_ids (external_hash, client_id, provider, duplicate, grant_id)
SELECT external_hash, client_id, provider,
  ROW_NUMBER() OVER (
    PARTITION BY external_hash, client_id, provider
    ORDER BY CASE WHEN state IN ('revoking', 'revoked') THEN 1 ELSE 0 END, updated_at DESC, grant_id
  ) - 1,
  grant_id
FROM grants WHERE external_hash IS NOT NULL;

DROP INDEX grants_by_external;
ALTER TABLE grants DROP COLUMN external_hash;
`,
  },
  {
    name: "0007-announced-ends",
    checksum: "cf224fcd8f531ea6e3ee9230b6f5e68a121eebc542c07c137e5a8dcf0620217e",
    text: `-- When the consent ends, whatever is done, as the provider announced it.
ALTER TABLE grants ADD COLUMN consent_expires_at INTEGER;

-- For those who look for grants that nobody used for long: client by client, so that grants of a client that is not
-- configured are not gone through to find those of another.
DROP INDEX grants_by_exchange;
CREATE INDEX grants_by_exchange ON grants (client_id, access_issued_at, grant_id)
  WHERE state = 'active' AND refresh_sealed IS NOT NULL;
CREATE INDEX grants_by_half_life ON grants (client_id, (access_issued_at + refresh_expires_at), grant_id)
  WHERE state = 'active' AND refresh_sealed IS NOT NULL AND refresh_expires_at IS NOT NULL;
`,
  },
  {
    name: "0008-caller-reach",
    checksum: "530a4ee94523bd978e91d3b3436e069da738f668ae8d1121f16399d5afcb2681",
    text: `-- What a caller may see, besides what it may do; its key before the last rotation, for as long as that still works; and
-- when it was heard of last. Selectors name the app's own users, so they are sealed. NULL: every grant, every provider.
ALTER TABLE callers ADD COLUMN grants_sealed BLOB;
ALTER TABLE callers ADD COLUMN providers TEXT;
ALTER TABLE callers ADD COLUMN previous_hash BLOB;
ALTER TABLE callers ADD COLUMN previous_until INTEGER;
ALTER TABLE callers ADD COLUMN last_used_at INTEGER;

-- Who could take an external id from another grant so far may still do so: it is a permission of its own from now on.
UPDATE callers SET permissions = replace(permissions, '"grants:create"', '"grants:create","grants:move"');
`,
  },
  {
    name: "0009-bound-rows",
    checksum: "223cdd3e197d3a638ffb874ef34fc77dc07cae69721563e35ed5a23ceec0cb70",
    text: `-- Keyed hashes over whose grant a row is, and which grant a code has become, so that a row that was changed by hand is
-- not believed. Null in rows of earlier versions.
ALTER TABLE grants ADD COLUMN identity_mac BLOB;
ALTER TABLE intakes ADD COLUMN result_mac BLOB;
`,
  },
  {
    name: "0010-caller-rights",
    checksum: "60341382aca670fbc77805862089da6462e0132e9d89068fe80656cf54a413d0",
    text: `-- A keyed hash of what a caller may do, see and for how long, so that a row that was widened by hand is not believed. The
-- first opening after this migration writes it into the rows that are there, and says so by an event.
ALTER TABLE callers ADD COLUMN rights_mac BLOB;
`,
  },
  {
    name: "0011-audit",
    checksum: "e38ac27b30c294d36c947684ec629d3e5ea4144e18bf0fa1f2cdc85c64e5b751",
    text: `-- What happened, and which tokens left, numbered without gaps. Each row's link is a hash of the link of the row before, of
-- its own number and of its keyed hash (mac), so that a row that was changed, taken out or put elsewhere is found.
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
) STRICT;

-- One row for each caller that was given a token of a generation, however often it asks.
CREATE UNIQUE INDEX audit_by_release ON audit (grant_id, caller, generation, detail) WHERE action = 'token.released';
CREATE INDEX audit_by_grant ON audit (grant_id, seq) WHERE grant_id IS NOT NULL;
CREATE INDEX audit_by_caller ON audit (caller, seq);

-- The last row that was added. Without it, nobody could tell that the last rows were taken out.
CREATE TABLE audit_head (
  only_row INT NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  seq      INTEGER NOT NULL,
  link     BLOB NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO audit_head (seq, link) VALUES (0, x'');
`,
  },
  {
    name: "0012-one-assertion",
    checksum: "ac84006b62dcb4b29b80d66fe107b11e7441686999331fc08da9de12aa0f1290",
    text: `-- The sign-in assertion that was given for a code, so that a code brings one and no other. Empty: it may not come again.
ALTER TABLE intakes ADD COLUMN assertion_sealed BLOB;
`,
  },
  {
    name: "0013-data-key-rotation",
    checksum: "4e10a37b0da07cda8366434a58ac6319a98bf74b4f9c1315b7fbbc66f62ce129",
    text: `-- How each data key stands: 'next' is being made known, 'current' seals, what a 'previous' one has sealed is sealed anew,
-- and nothing is left under a 'retired' one. The time since when is in milliseconds since the epoch.
ALTER TABLE data_keys ADD COLUMN state TEXT NOT NULL DEFAULT 'current';
ALTER TABLE data_keys ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

-- Which processes have read the data keys, and at which revision (in meta, key_revision), while keys change. Nothing is sealed
-- with a new key before all of them know it.
CREATE TABLE key_readers (
  owner   TEXT PRIMARY KEY,
  revision   INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Counts how often a row's values were sealed anew. What is in them is the same as before, so that this is no change which
-- other processes must see: a hundred thousand would empty their memory of tokens.
ALTER TABLE grants ADD COLUMN reseals INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER grants_updated;

CREATE TRIGGER grants_updated AFTER UPDATE ON grants WHEN OLD.reseals = NEW.reseals BEGIN
  DELETE FROM grant_changes WHERE grant_id = NEW.grant_id;
  INSERT INTO grant_changes (grant_id) VALUES (NEW.grant_id);
END;
`,
  },
  {
    name: "0014-audit-anchor",
    checksum: "b2a0aab51e8bed5e1e6ad17f72a07cb66b21603540175291b94a203f40af9984",
    text: `-- Which earlier row the keyed hash of a row covers, with that row's link. A link needs no key: whoever takes a row out can
-- make all later ones anew, and would get away with it.
ALTER TABLE audit ADD COLUMN anchor INTEGER;
`,
  },
  {
    name: "0015-client-keys",
    checksum: "a5000d9fee3086438975a57dcec6d28c59f050866b83dfd5d5b5e5f12b0dfe51",
    text: `-- A key of one of our clients at an issuer, sealed: refresh tokens are bound to it (RFC 9449). Without it they are dead.
CREATE TABLE client_keys (
  issuer     TEXT NOT NULL,
  client_id  TEXT NOT NULL,
  key_sealed BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, client_id)
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: "0016-audit-pruning",
    checksum: "44598b4fa6f40272c1a0da334774bcc7834664e7312d5a4ccae3db1a1603f7db",
    text: `-- The rows that say up to where the log was pruned. Its check begins at the newest one, and must find it without reading all.
CREATE INDEX audit_prunings ON audit (seq) WHERE action = 'audit.pruned';
`,
  },
  {
    name: "0017-tickets",
    checksum: "d6705f549ba3801646279a1d75ff4c9ad2f6a546911e124f40b7e0587f4e4398",
    text: `-- A ticket ties the next code of one sign-in to one of the app's users. It is bound to the code that came with it before
-- that code is sent.
CREATE TABLE tickets (
  ticket_hash    BLOB PRIMARY KEY,
  context_sealed BLOB NOT NULL,
  issued_at      INTEGER NOT NULL,
  code_hash      BLOB,
  bound_at       INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_by_issue ON tickets (issued_at);
`,
  },
  {
    name: "0018-connects",
    checksum: "cd87054ca2b57bd388ef92e3ddca96d29fa53d1ee43bac993a743e5b887e0b7a",
    text: `-- Links by which a person connects an account. A link and its state are found by keyed hashes of what stands in addresses.
CREATE TABLE connects (
  connect_hash BLOB PRIMARY KEY,
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
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX connects_by_state ON connects (state_hash) WHERE state_hash IS NOT NULL;
CREATE INDEX connects_by_expiry ON connects (expires_at);

-- Until when the answer to a code is held for somebody who must prove that the sign-in was theirs. Null: it is not held.
ALTER TABLE intakes ADD COLUMN held_until INTEGER;

CREATE INDEX intakes_open ON intakes (started_at, code_hash) WHERE ended_at IS NULL AND held_until IS NULL;
CREATE INDEX intakes_held ON intakes (held_until, code_hash) WHERE held_until IS NOT NULL;
`,
  },
  {
    name: "0019-deposits",
    checksum: "94c3f7afa32a3ec902dde61b6eca36bfae7bf722b24c1dbe3135276efcb02db3",
    text: `-- Refresh tokens that were deposited, by keyed hashes, for as long as their grants are there. A token that a provider has
-- replaced must never be sent again: strict providers then end everything that came of it. No grant: nobody knows whether
-- the provider has replaced it.
CREATE TABLE deposits (
  token_hash   BLOB PRIMARY KEY,
  grant_id     TEXT REFERENCES grants (grant_id) ON DELETE CASCADE,
  -- Says that we wrote which grant it is. Null without a grant.
  result_mac   BLOB,
  deposited_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX deposits_by_grant ON deposits (grant_id) WHERE grant_id IS NOT NULL;
`,
  },
  {
    name: "0020-registered-clients",
    checksum: "df9653904fa1e541b3bd403a2fc6fc56f79d20bcfdb49361df586b78e5843ade",
    text: `-- Which client we are at the authorization server of an MCP server, and which server that is: found or registered once, for
-- all processes. What was registered is sealed; without it nobody can refresh the grants of that client.
CREATE TABLE registered_clients (
  provider            TEXT NOT NULL,
  server              TEXT NOT NULL,
  -- Empty while one process finds out or registers.
  client_id           TEXT NOT NULL,
  registration_sealed BLOB,
  changed_at          INTEGER NOT NULL,
  PRIMARY KEY (provider, server)
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: "0021-accounts",
    checksum: "8e5029202a43f768a469e2b489f9192fd413829ec6f8f4aae888e8fd9c38d706",
    text: `-- One user of the app may have several accounts of a provider. A label tells them apart, which stands sealed in the grant's profile.
CREATE TABLE external_ids_next (
  external_hash BLOB NOT NULL,
  client_id     TEXT NOT NULL,
  provider      TEXT NOT NULL,
  -- Keyed hash of the label. In rows from before there were labels, the subject is the label, and this is the grant's subject_hash.
  account_hash  BLOB NOT NULL,
  grant_id      TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  PRIMARY KEY (external_hash, client_id, provider, account_hash)
) STRICT, WITHOUT ROWID;

DROP INDEX external_ids_by_grant;
-- A user knows an account by one label.
CREATE UNIQUE INDEX external_ids_by_grant ON external_ids_next (grant_id, external_hash);
CREATE INDEX external_ids_by_account ON external_ids_next (account_hash, grant_id);

INSERT OR IGNORE INTO external_ids_next (external_hash, client_id, provider, account_hash, grant_id)
SELECT external_hash, external_ids.client_id, external_ids.provider, subject_hash, external_ids.grant_id
FROM external_ids JOIN grants ON grants.grant_id = external_ids.grant_id;

DROP TABLE external_ids;
ALTER TABLE external_ids_next RENAME TO external_ids;
`,
  },
  {
    name: "0022-probes",
    checksum: "10c98b199141ea001cc072b0d7a96d26629757e721a6fbfec0cb87deb26b0271",
    text: `-- The last look at the provider for each grant that somebody asked about: begun by one process for all of them, so that
-- nobody looks twice within seconds. Its answer is null while it is under way.
CREATE TABLE probes (
  grant_id   TEXT PRIMARY KEY REFERENCES grants (grant_id) ON DELETE CASCADE,
  begun_at   INTEGER NOT NULL,
  -- The grant's generation when the answer was there.
  generation INTEGER,
  checked_at INTEGER,
  answer     TEXT
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: "0023-handles",
    checksum: "83a44bee95e20eea0286421e784e6ccd545f0734b2f4a5dad98d383e39a450f1",
    text: `-- Handles: what a caller sends to the token endpoint in the place of a refresh token. Only keyed hashes of them are kept.
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
`,
  },
  {
    name: "0024-sessions",
    checksum: "817492dd9c391df6b07f2515f9987d35f071853142596a771cb182c772c4e358",
    text: `-- Keys for minutes or hours that a caller makes, never for more than it may do and see itself. They end with it. What a
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
`,
  },
  {
    name: "0025-rows-by-number",
    checksum: "3a74417d34383fdc8d7146ca0e0776a4bad21c0f6c23911945827d559e47ccde",
    text: `-- Tables whose rows are wide get rows by number. In a table WITHOUT ROWID, SQLite keeps a row of more than a thousand bytes in
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
`,
  },
  {
    name: "0027-events",
    checksum: "969efd55270659d812e81fb5800e6e18bd0e22049cd388683a3fa2a04fab5cfe",
    text: `-- What apps are told of: a row for each change of a grant that somebody should hear of, in the transaction of the change.
-- Numbers have no gaps: there is one writer.
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

-- The last number that was given, and up to which rows were taken out.
CREATE TABLE event_head (
  only_row INT NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  seq      INTEGER NOT NULL,
  pruned   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO event_head (seq, pruned) VALUES (0, 0);

CREATE TRIGGER events_added AFTER INSERT ON events BEGIN
  UPDATE event_head SET seq = NEW.seq;
END;
`,
  },
  {
    name: "0028-signals",
    checksum: "f158445507fdb49d642f02b54d38443ed511c8d445823a921abefbf771204332",
    text: `-- Security events that were taken: each once, whichever process it is delivered to, and however often.
CREATE TABLE signals (
  -- Keyed hash of the issuer and its jti.
  signal_hash BLOB PRIMARY KEY,
  -- Of a verification: keyed hash of the state that was asked with. Null for all others.
  state_hash  BLOB,
  received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signals_by_time ON signals (received_at);
CREATE INDEX signals_by_state ON signals (state_hash) WHERE state_hash IS NOT NULL;

-- What was said of a grant, the last time for each kind of event: the evidence for what became of it.
CREATE TABLE grant_signals (
  grant_id    TEXT NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  event       TEXT NOT NULL,
  said_reason TEXT,
  happened_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  effect      TEXT NOT NULL CHECK (effect IN ('lapse', 'suspect', 'look', 'note')),
  PRIMARY KEY (grant_id, event)
) STRICT, WITHOUT ROWID;

-- A security event may name a refresh token by its first characters, and nothing else.
CREATE INDEX grants_by_refresh_prefix ON grants (refresh_prefix_hash) WHERE refresh_prefix_hash IS NOT NULL;
`,
  },
  {
    name: "0029-dashboard",
    checksum: "470e4e7975c5a96a57b0e3163f3dfeb564c43eb57f268dba450ab76fc084b8bb",
    text: `-- Who is signed in to the dashboard. A link lets somebody in once; its row goes when it does. Of links and sessions only keyed
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
`,
  },
  {
    name: "0030-webhooks",
    checksum: "e28325bfdc6f36a7af000bb9e585bd081405d89044ee2b0b7aea6de124944dae",
    text: `-- When apps are told that a consent ends soon. Null: no end is known, or they were told.
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
`,
  },
  {
    name: "0031-why-grants-die",
    checksum: "707447cb7cd77aeb9462548839589c661fb3f5c8ec97df882e269f60f81d3042",
    text: `-- When the person consented last, and what was asked for then and not granted.
ALTER TABLE grants ADD COLUMN consented_at INTEGER;
ALTER TABLE grants ADD COLUMN withheld_scope TEXT NOT NULL DEFAULT '';
-- What the provider said beside the code of the last refusal, short and without secrets.
ALTER TABLE grants ADD COLUMN last_error_says TEXT;
-- Why a suspect grant is suspect; of one that is not, why it was last.
ALTER TABLE grants ADD COLUMN doubt TEXT;
-- When the provider last called a refresh token of this grant dead, and at which age, counted from its consent: it was alive at
-- the one and dead at the other, milliseconds. They stay when the person consents again: the ages of many show why they die.
ALTER TABLE grants ADD COLUMN died_at INTEGER;
ALTER TABLE grants ADD COLUMN died_after INTEGER;
ALTER TABLE grants ADD COLUMN died_before INTEGER;

-- For those who look how long the grants of a client live. No refresh changes what stands in them.
CREATE INDEX grants_by_death ON grants (client_id, died_at) WHERE died_at IS NOT NULL;
CREATE INDEX grants_by_consent ON grants (client_id, consented_at) WHERE consented_at IS NOT NULL;
`,
  },
  {
    name: "0032-epochs",
    checksum: "6ff6b5b7089b77332fdd75d61a6ff7138464cfe4a25884ed457ba9156ffcf9af",
    text: `-- Marks that are also kept outside of the database. One that is missing here, or is another one, tells that an older backup was
-- restored.
CREATE TABLE store_marks (
  mark_no    INTEGER PRIMARY KEY,
  mark       TEXT NOT NULL,
  at         INTEGER NOT NULL,
  -- The number of the latest change of a grant.
  change_seq INTEGER NOT NULL,
  -- Where the database was, as JSON.
  place      TEXT NOT NULL
) STRICT;

-- Each time that this database was found to be a backup or a copy. While settled_at is null, it stands still.
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

-- Numbers that were given out after the backup was made must not be given out again: whoever has read up to one of them would
-- miss what comes with the same.
CREATE TRIGGER store_epochs_begun AFTER INSERT ON store_epochs BEGIN
  INSERT INTO sqlite_sequence (name, seq)
    SELECT 'events', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'events');
  UPDATE sqlite_sequence SET seq = seq + 1000000000 WHERE name IN ('events', 'grant_changes');
  UPDATE event_head SET seq = seq + 1000000000;
  UPDATE store_epochs SET audit_from = COALESCE((SELECT seq FROM audit_head), 0) WHERE epoch = NEW.epoch;
  UPDATE audit_head SET seq = seq + 1000000000;
  UPDATE store_epochs SET audit_to = COALESCE((SELECT seq FROM audit_head), 0) WHERE epoch = NEW.epoch;
END;
`,
  },
  {
    name: "0033-grants-without-access",
    checksum: "3dd1a873d3cf48255389cdb6bc4595538af51c655472fa6178f90d19088c4c38",
    text: `-- Grants that give no token once their access token has ended: they are listed with the lapsed ones. Stores whose grants all hold
-- refresh tokens have none in it. The state comes first, though there is one alone: SQLite takes the index of all that are active otherwise.
CREATE INDEX grants_without_refresh ON grants (state, grant_id, access_expires_at)
  WHERE refresh_sealed IS NULL AND state = 'active' AND (access_expires_at IS NOT NULL OR access_sealed IS NULL);
`,
  },
  {
    name: "0034-grants-to-lapse",
    checksum: "cbf9653303fa46bc71b2c18290745734bd4765fac4d224bf351b911fbd6d22d2",
    text: `-- The same grants in the order in which their access tokens end: those that have ended are found without reading the others, of which
-- a provider whose tokens live for months has many. The state is the same in all, and comes first because the look for damage reads the
-- ends of an index by a column.
CREATE INDEX grants_to_lapse ON grants (state, COALESCE(access_expires_at, state_since), grant_id)
  WHERE refresh_sealed IS NULL AND state = 'active' AND (access_expires_at IS NOT NULL OR access_sealed IS NULL);
`,
  },
];
