/* Written by tools/dump-schema.ts from the files in migrations/postgres/: change those, and not this one. */
import type { Migration } from "../sql/migrate.ts";

export const migrations: readonly Migration[] = [
  {
    name: "0001-initial",
    checksum: "6204cc0de88e35cacc3cff553dd98de54b6c08f3c01ef026f46d0836c3f85350",
    text: `-- Times are milliseconds since the epoch. Bytes named *_sealed are AES-256-GCM, bound to their row, column and
-- generation; bytes named *_hash are keyed hashes. No token, code, e-mail address or user id stands here in clear.
-- Ids sort by their bytes, whatever language the database speaks, so that pages come in the same order everywhere.

CREATE TABLE meta (
  name  TEXT COLLATE "C" PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE data_keys (
  key_id        INTEGER PRIMARY KEY,
  key_class     TEXT NOT NULL,
  master_key_id TEXT NOT NULL,
  wrapped       BYTEA NOT NULL
);

CREATE TABLE grants (
  grant_id            TEXT COLLATE "C" PRIMARY KEY,
  provider            TEXT NOT NULL,
  issuer              TEXT NOT NULL,
  client_id           TEXT COLLATE "C" NOT NULL,
  subject_hash        BYTEA NOT NULL,
  external_hash       BYTEA,
  profile_sealed      BYTEA NOT NULL,
  scope               TEXT NOT NULL,
  state               TEXT COLLATE "C" NOT NULL
    CHECK (state IN ('active', 'suspect', 'lapsed', 'revoking', 'revoked')),
  reason              TEXT,
  state_since         BIGINT NOT NULL,
  -- How many exchanges were committed. A refresh commits only onto the generation whose token it sent.
  generation          BIGINT NOT NULL,
  refresh_sealed      BYTEA,
  refresh_expires_at  BIGINT,
  refresh_prefix_hash BYTEA,
  refresh_digest_hash BYTEA,
  access_sealed       BYTEA,
  access_issued_at    BIGINT,
  access_expires_at   BIGINT,
  last_refresh_at     BIGINT,
  last_error          TEXT,
  last_error_at       BIGINT,
  failures            INTEGER NOT NULL DEFAULT 0,
  retry_at            BIGINT,
  created_at          BIGINT NOT NULL,
  updated_at          BIGINT NOT NULL
);

CREATE UNIQUE INDEX grants_by_subject ON grants (subject_hash, client_id);
CREATE INDEX grants_by_external ON grants (external_hash) WHERE external_hash IS NOT NULL;
-- For those who look for grants that nobody used for long.
CREATE INDEX grants_by_exchange ON grants (access_issued_at) WHERE state = 'active' AND refresh_sealed IS NOT NULL;
CREATE INDEX grants_by_refresh_prefix ON grants (refresh_prefix_hash) WHERE refresh_prefix_hash IS NOT NULL;
CREATE INDEX grants_by_refresh_digest ON grants (refresh_digest_hash) WHERE refresh_digest_hash IS NOT NULL;

-- The last change of each grant, numbered, so that other processes see which ones to read again. Kept by a trigger: a
-- statement that forgot it would let a revoked grant go on being served from somebody's memory.
CREATE TABLE grant_changes (
  grant_id   TEXT COLLATE "C" PRIMARY KEY,
  change_seq BIGINT NOT NULL UNIQUE
);

CREATE TABLE change_counter (
  only_row   BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
  change_seq BIGINT NOT NULL
);

INSERT INTO change_counter (change_seq) VALUES (0);

-- A number from a sequence would be drawn before the commit: a later one could become visible first, and whoever polls
-- by number would pass the earlier one over for good. This number is drawn from a row, whose lock is held until the
-- change is visible, so that numbers become visible in their order. Because the trigger is deferred to the commit, the
-- lock is held by the server alone, for the length of the commit: a client that is paused in mid-transaction, or far
-- away, never holds up other writers. Notifications serialise commits in the same place already.
CREATE FUNCTION number_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  changed TEXT := CASE TG_OP WHEN 'DELETE' THEN OLD.grant_id ELSE NEW.grant_id END;
  number  BIGINT;
BEGIN
  UPDATE change_counter SET change_seq = change_seq + 1 RETURNING change_seq INTO number;
  INSERT INTO grant_changes (grant_id, change_seq) VALUES (changed, number)
    ON CONFLICT (grant_id) DO UPDATE SET change_seq = EXCLUDED.change_seq;
  PERFORM pg_notify('onbehalf_changes', '');
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER grants_changed AFTER INSERT OR UPDATE OR DELETE ON grants
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION number_change();

-- The intent to spend a refresh token, committed before the request leaves; one a grant. It is the lease, too.
CREATE TABLE attempts (
  grant_id      TEXT COLLATE "C" PRIMARY KEY REFERENCES grants (grant_id) ON DELETE CASCADE,
  attempt_id    TEXT COLLATE "C" NOT NULL UNIQUE,
  generation    BIGINT NOT NULL,
  owner         TEXT NOT NULL,
  started_at    BIGINT NOT NULL,
  ended_unknown INTEGER NOT NULL DEFAULT 0
);

-- Who may hold an attempt. Each takes a session lock under lock_key, which the server lets go when the process dies.
CREATE TABLE owners (
  owner             TEXT COLLATE "C" PRIMARY KEY,
  lock_key          BIGINT NOT NULL,
  -- The server that gave the lock: one that has started since gave it to nobody.
  server_started_at BIGINT NOT NULL,
  announced_at      BIGINT NOT NULL
);

-- Answers that came after the grant had moved on: kept, because one may be the only copy of a live token.
CREATE TABLE orphans (
  orphan_id         TEXT COLLATE "C" PRIMARY KEY,
  grant_id          TEXT COLLATE "C" NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  parent_generation BIGINT NOT NULL,
  answer_sealed     BYTEA NOT NULL,
  received_at       BIGINT NOT NULL
);

CREATE INDEX orphans_by_grant ON orphans (grant_id, parent_generation);

-- One-time codes on their way in. The provider's answer is kept here, sealed, before anything that can fail.
CREATE TABLE intakes (
  code_hash      BYTEA PRIMARY KEY,
  state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('spending', 'answered', 'done', 'rejected')),
  client_id      TEXT COLLATE "C" NOT NULL,
  owner          TEXT NOT NULL,
  context_sealed BYTEA NOT NULL,
  answer_sealed  BYTEA,
  grant_id       TEXT COLLATE "C",
  rejection      TEXT,
  started_at     BIGINT NOT NULL,
  ended_at       BIGINT
);

CREATE INDEX intakes_by_end ON intakes (ended_at);

CREATE TABLE callers (
  caller_id   TEXT COLLATE "C" PRIMARY KEY,
  name        TEXT COLLATE "C" NOT NULL,
  key_hash    BYTEA NOT NULL,
  permissions TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  expires_at  BIGINT,
  revoked_at  BIGINT
);

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
    checksum: "0ca52f65a4bdd3220c707013b45755ab6ab7572829888346ae3bee39a209f28b",
    text: `-- When the provider is asked once more about a refusal: of a grant in use, the second look; of one that has lapsed, the
-- last. Few rows have it, so the sweep that reads the index meets few.
ALTER TABLE grants ADD COLUMN look_at BIGINT;

CREATE INDEX grants_by_look ON grants (look_at, grant_id) WHERE look_at IS NOT NULL;
`,
  },
  {
    name: "0006-external-ids",
    checksum: "cb0d13399876710bd9971a1d24ad9db28f32aec97adb4accc3759e2b4a4e2d5a",
    text: `-- By which of the app's own user ids a grant is known. The ids themselves stand sealed in the grant's profile.
CREATE TABLE external_ids (
  external_hash BYTEA NOT NULL,
  client_id     TEXT COLLATE "C" NOT NULL,
  provider      TEXT COLLATE "C" NOT NULL,
  -- 0 for the one grant that a user id means. More: an older version let one user id mean several.
  duplicate     INTEGER NOT NULL DEFAULT 0,
  grant_id      TEXT COLLATE "C" NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  PRIMARY KEY (external_hash, client_id, provider, duplicate)
);

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
    checksum: "760b1c53f7fad12f1c35272d68d2e6a00bd7bd40bee262cd4a820332f5a748af",
    text: `-- When the consent ends, whatever is done, as the provider announced it.
ALTER TABLE grants ADD COLUMN consent_expires_at BIGINT;

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
    checksum: "46f6e45ce4219470aa5e44f3eec2d8699607ffa09be7bcd052218dce0c4f7035",
    text: `-- What a caller may see, besides what it may do; its key before the last rotation, for as long as that still works; and
-- when it was heard of last. Selectors name the app's own users, so they are sealed. NULL: every grant, every provider.
ALTER TABLE callers ADD COLUMN grants_sealed BYTEA;
ALTER TABLE callers ADD COLUMN providers TEXT;
ALTER TABLE callers ADD COLUMN previous_hash BYTEA;
ALTER TABLE callers ADD COLUMN previous_until BIGINT;
ALTER TABLE callers ADD COLUMN last_used_at BIGINT;

-- Who could take an external id from another grant so far may still do so: it is a permission of its own from now on.
UPDATE callers SET permissions = replace(permissions, '"grants:create"', '"grants:create","grants:move"');
`,
  },
  {
    name: "0009-bound-rows",
    checksum: "952d77bc5f9d916db6af6344a2a52d7a9ee1762aa8eb7eabca43c56efd198561",
    text: `-- Keyed hashes over whose grant a row is, and which grant a code has become, so that a row that was changed by hand is
-- not believed. Null in rows of earlier versions.
ALTER TABLE grants ADD COLUMN identity_mac BYTEA;
ALTER TABLE intakes ADD COLUMN result_mac BYTEA;
`,
  },
  {
    name: "0010-caller-rights",
    checksum: "3a608c00c66321176a5ced0fa1aa729e9ac8bce23bbc0668960118b0f0398a64",
    text: `-- A keyed hash of what a caller may do, see and for how long, so that a row that was widened by hand is not believed. The
-- first opening after this migration writes it into the rows that are there, and says so by an event.
ALTER TABLE callers ADD COLUMN rights_mac BYTEA;
`,
  },
  {
    name: "0011-audit",
    checksum: "ff848f42bd0e94ff84f2378f1bd25b5ce9872442cd10d28a3f50f5c4d7ad1b12",
    text: `-- What happened, and which tokens left, numbered without gaps. Each row's link is a hash of the link of the row before, of
-- its own number and of its keyed hash (mac), so that a row that was changed, taken out or put elsewhere is found.
CREATE TABLE audit (
  -- These two are given at the commit.
  seq        BIGINT UNIQUE,
  link       BYTEA,
  record_id  TEXT COLLATE "C" PRIMARY KEY,
  at         BIGINT NOT NULL,
  caller     TEXT COLLATE "C" NOT NULL,
  action     TEXT COLLATE "C" NOT NULL,
  grant_id   TEXT COLLATE "C",
  generation BIGINT,
  outcome    TEXT NOT NULL,
  detail     TEXT COLLATE "C",
  request_id TEXT,
  mac        BYTEA NOT NULL
);

-- One row for each caller that was given a token of a generation, however often it asks.
CREATE UNIQUE INDEX audit_by_release ON audit (grant_id, caller, generation, detail) WHERE action = 'token.released';
CREATE INDEX audit_by_grant ON audit (grant_id, seq) WHERE grant_id IS NOT NULL;
CREATE INDEX audit_by_caller ON audit (caller, seq);

-- The last row that was added. Without it, nobody could tell that the last rows were taken out.
CREATE TABLE audit_head (
  only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
  seq      BIGINT NOT NULL,
  link     BYTEA NOT NULL
);

INSERT INTO audit_head (seq, link) VALUES (0, '');

-- As numbers of changes are: drawn from a row whose lock is held until the new row is visible, and by the server alone, for
-- the length of a commit. So numbers have no gaps and become visible in their order, and no client holds up another.
-- Rows are added last in a transaction, so that the two locks are always taken in the same order.
CREATE FUNCTION link_audit() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  before audit_head;
  latest audit;
  number BIGINT;
  linked BYTEA;
BEGIN
  SELECT * INTO before FROM audit_head FOR UPDATE;
  SELECT * INTO latest FROM audit WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1;
  -- Where the head was changed by hand, the log goes on after its last row, and its check finds the place.
  IF before.seq IS NULL OR latest.seq >= before.seq THEN
    before.seq := COALESCE(latest.seq, 0);
    before.link := COALESCE(latest.link, '');
  END IF;
  number := before.seq + 1;
  linked := sha256(before.link || convert_to(number::text, 'UTF8') || NEW.mac);
  UPDATE audit SET seq = number, link = linked WHERE record_id = NEW.record_id;
  INSERT INTO audit_head (seq, link) VALUES (number, linked)
    ON CONFLICT (only_row) DO UPDATE SET seq = EXCLUDED.seq, link = EXCLUDED.link;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER audit_added AFTER INSERT ON audit
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION link_audit();
`,
  },
  {
    name: "0012-one-assertion",
    checksum: "e505236d34e828d9bf416cdb6a8d94866c39e4da3e84ee2175e4a972d30773c2",
    text: `-- The sign-in assertion that was given for a code, so that a code brings one and no other. Empty: it may not come again.
ALTER TABLE intakes ADD COLUMN assertion_sealed BYTEA;
`,
  },
  {
    name: "0013-data-key-rotation",
    checksum: "543bdd02d7275d37eb0fb1e2c84fc9e7bf98f44783ea32e50f5fd0c71e020d81",
    text: `-- How each data key stands: 'next' is being made known, 'current' seals, what a 'previous' one has sealed is sealed anew,
-- and nothing is left under a 'retired' one. The time since when is in milliseconds since the epoch.
ALTER TABLE data_keys ADD COLUMN state TEXT COLLATE "C" NOT NULL DEFAULT 'current';
ALTER TABLE data_keys ADD COLUMN since BIGINT NOT NULL DEFAULT 0;

-- Which processes have read the data keys, and at which revision (in meta, key_revision), while keys change. Nothing is sealed
-- with a new key before all of them know it.
CREATE TABLE key_readers (
  owner   TEXT COLLATE "C" PRIMARY KEY,
  revision   BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
);

-- Counts how often a row's values were sealed anew. What is in them is the same as before, so that this is no change which
-- other processes must see: a hundred thousand would empty their memory of tokens.
ALTER TABLE grants ADD COLUMN reseals BIGINT NOT NULL DEFAULT 0;

DROP TRIGGER grants_changed ON grants;

CREATE CONSTRAINT TRIGGER grants_changed AFTER INSERT OR DELETE ON grants
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION number_change();

CREATE CONSTRAINT TRIGGER grants_updated AFTER UPDATE ON grants
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.reseals = NEW.reseals) EXECUTE FUNCTION number_change();
`,
  },
  {
    name: "0014-audit-anchor",
    checksum: "343860dfd0a4d8e637d43f0d50c08471ab46696bcbe68b7fe1d5c743fed18b33",
    text: `-- Which earlier row the keyed hash of a row covers, with that row's link. A link needs no key: whoever takes a row out can
-- make all later ones anew, and would get away with it.
ALTER TABLE audit ADD COLUMN anchor BIGINT;
`,
  },
  {
    name: "0015-client-keys",
    checksum: "d5287508c7119428c89370205a870258b59622bf952e6c36c39525aa73eb717e",
    text: `-- A key of one of our clients at an issuer, sealed: refresh tokens are bound to it (RFC 9449). Without it they are dead.
CREATE TABLE client_keys (
  issuer     TEXT NOT NULL,
  client_id  TEXT NOT NULL,
  key_sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, client_id)
);
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
    checksum: "3c3762ddcc679e1cca412d4dd32589a5fde06ebe8de402c3eba9939053ff97f3",
    text: `-- A ticket ties the next code of one sign-in to one of the app's users. It is bound to the code that came with it before
-- that code is sent.
CREATE TABLE tickets (
  ticket_hash    BYTEA PRIMARY KEY,
  context_sealed BYTEA NOT NULL,
  issued_at      BIGINT NOT NULL,
  code_hash      BYTEA,
  bound_at       BIGINT
);
CREATE INDEX tickets_by_issue ON tickets (issued_at);
`,
  },
  {
    name: "0018-connects",
    checksum: "88049ef88bcf3a359024bd81b172f3961b628f6106d3a81167d41698cc68a9be",
    text: `-- Links by which a person connects an account. A link and its state are found by keyed hashes of what stands in addresses.
CREATE TABLE connects (
  connect_hash BYTEA PRIMARY KEY,
  -- What the app asked for when it made the link.
  asked_sealed BYTEA NOT NULL,
  -- The browser that has begun, what was sent to the provider, and the code that came back. Null: nobody has begun.
  flow_sealed  BYTEA,
  state_hash   BYTEA,
  -- How many wrong verifiers were sent.
  tries        BIGINT NOT NULL,
  -- Why it failed. Null: it has not.
  error        TEXT COLLATE "C",
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  -- When it finished or failed.
  ended_at     BIGINT
);

CREATE UNIQUE INDEX connects_by_state ON connects (state_hash) WHERE state_hash IS NOT NULL;
CREATE INDEX connects_by_expiry ON connects (expires_at);

-- Until when the answer to a code is held for somebody who must prove that the sign-in was theirs. Null: it is not held.
ALTER TABLE intakes ADD COLUMN held_until BIGINT;

CREATE INDEX intakes_open ON intakes (started_at, code_hash) WHERE ended_at IS NULL AND held_until IS NULL;
CREATE INDEX intakes_held ON intakes (held_until, code_hash) WHERE held_until IS NOT NULL;
`,
  },
  {
    name: "0019-deposits",
    checksum: "2454f8ac2f23601ce9f2b30157a851e00908e832b4ea979be8c78c527b05a0a5",
    text: `-- Refresh tokens that were deposited, by keyed hashes, for as long as their grants are there. A token that a provider has
-- replaced must never be sent again: strict providers then end everything that came of it. No grant: nobody knows whether
-- the provider has replaced it.
CREATE TABLE deposits (
  token_hash   BYTEA PRIMARY KEY,
  grant_id     TEXT COLLATE "C" REFERENCES grants (grant_id) ON DELETE CASCADE,
  -- Says that we wrote which grant it is. Null without a grant.
  result_mac   BYTEA,
  deposited_at BIGINT NOT NULL
);

CREATE INDEX deposits_by_grant ON deposits (grant_id) WHERE grant_id IS NOT NULL;
`,
  },
  {
    name: "0020-registered-clients",
    checksum: "15d7b5add6d98dadce5665365f71a18537883373b7eb2713814d2cab86b0644f",
    text: `-- Which client we are at the authorization server of an MCP server, and which server that is: found or registered once, for
-- all processes. What was registered is sealed; without it nobody can refresh the grants of that client.
CREATE TABLE registered_clients (
  provider            TEXT NOT NULL,
  server              TEXT NOT NULL,
  -- Empty while one process finds out or registers.
  client_id           TEXT NOT NULL,
  registration_sealed BYTEA,
  changed_at          BIGINT NOT NULL,
  PRIMARY KEY (provider, server)
);
`,
  },
  {
    name: "0021-accounts",
    checksum: "d43b5d5b1674b0555ebf9cc2851d572b93c7635b667e7f7c9b2e6f736702a1c5",
    text: `-- One user of the app may have several accounts of a provider. A label tells them apart, which stands sealed in the grant's profile.
-- Keyed hash of the label. In rows from before there were labels, the subject is the label, and this is the grant's subject_hash.
ALTER TABLE external_ids ADD COLUMN account_hash BYTEA;
UPDATE external_ids SET account_hash = grants.subject_hash FROM grants WHERE grants.grant_id = external_ids.grant_id;
DELETE FROM external_ids AS again USING external_ids AS first
WHERE again.grant_id = first.grant_id AND again.external_hash = first.external_hash AND again.duplicate > first.duplicate;
ALTER TABLE external_ids ALTER COLUMN account_hash SET NOT NULL;

ALTER TABLE external_ids DROP CONSTRAINT external_ids_pkey;
ALTER TABLE external_ids DROP COLUMN duplicate;
ALTER TABLE external_ids ADD CONSTRAINT external_ids_pkey PRIMARY KEY (external_hash, client_id, provider, account_hash);

DROP INDEX external_ids_by_grant;
-- A user knows an account by one label.
CREATE UNIQUE INDEX external_ids_by_grant ON external_ids (grant_id, external_hash);
CREATE INDEX external_ids_by_account ON external_ids (account_hash, grant_id);
`,
  },
  {
    name: "0022-probes",
    checksum: "e7e0ebcaf3c29c2b6a8d2716f7f7a22ab32296990c3c90987f2d2e960b796baf",
    text: `-- The last look at the provider for each grant that somebody asked about: begun by one process for all of them, so that
-- nobody looks twice within seconds. Its answer is null while it is under way.
CREATE TABLE probes (
  grant_id   TEXT COLLATE "C" PRIMARY KEY REFERENCES grants (grant_id) ON DELETE CASCADE,
  begun_at   BIGINT NOT NULL,
  -- The grant's generation when the answer was there.
  generation BIGINT,
  checked_at BIGINT,
  answer     TEXT COLLATE "C"
);
`,
  },
  {
    name: "0023-handles",
    checksum: "2fba428bdd2cef844d4d5f6d6d94311d7e89b7899660c4af36769a76a452beec",
    text: `-- Handles: what a caller sends to the token endpoint in the place of a refresh token. Only keyed hashes of them are kept.
CREATE TABLE handles (
  handle_id    TEXT COLLATE "C" PRIMARY KEY,
  grant_id     TEXT COLLATE "C" NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  provider     TEXT COLLATE "C" NOT NULL,
  -- The one caller that may use it.
  caller_id    TEXT COLLATE "C" NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
  secret_hash  BYTEA NOT NULL,
  -- JSON. The largest scopes of tokens that it gives. Null: whatever the grant has.
  scopes       TEXT COLLATE "C",
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT,
  revoked_at   BIGINT,
  last_used_at BIGINT,
  -- A keyed hash of all that grants a right.
  rights_mac   BYTEA NOT NULL
);
CREATE INDEX handles_by_grant ON handles (grant_id, created_at, handle_id);
`,
  },
  {
    name: "0024-sessions",
    checksum: "f9cb02079604779552c8e691abe7c69d07b606ba0836f77e49882fb3c5c7851e",
    text: `-- Keys for minutes or hours that a caller makes, never for more than it may do and see itself. They end with it. What a
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
`,
  },
  {
    name: "0025-rows-by-number",
    checksum: "7264d214a011b3f9d469016124129a4bc9ab3ee553979339358d85992455aaa0",
    text: `-- When a grant that nobody uses is refreshed depends on its id: one of 64 parts of the time in which it is. All that are due then
-- stand together in an index, and none that is not. The name is that of SQLite's migration, which lays tables out anew as well.
ALTER TABLE grants ADD COLUMN keep_alive_slot SMALLINT GENERATED ALWAYS AS (greatest(
  strpos('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', substr(grant_id, 3, 1)) - 1, 0
)) STORED;

DROP INDEX grants_by_exchange;
DROP INDEX grants_by_half_life;
-- Nothing looks refresh tokens up by their first characters.
DROP INDEX grants_by_refresh_prefix;

-- When an idle grant is refreshed: by the provider's record, which the statement knows, so by slot and last exchange;
CREATE INDEX grants_by_exchange ON grants (client_id, keep_alive_slot, access_issued_at, grant_id)
  WHERE state = 'active' AND refresh_sealed IS NOT NULL;
-- and by the end that was announced for its refresh token, after 160 to 224 parts of 320 of its life. In those parts, so that it
-- is a whole number.
CREATE INDEX grants_by_announced_end
  ON grants (client_id, (access_issued_at * (160 - keep_alive_slot) + refresh_expires_at * (160 + keep_alive_slot)), grant_id)
  WHERE state = 'active' AND refresh_sealed IS NOT NULL AND refresh_expires_at IS NOT NULL;
`,
  },
  {
    name: "0026-audit-appended",
    checksum: "e42e2a6ffafe18df88d95ac77a3e0ef3fede544e4ef1902e25ca0fbf64b66585",
    text: `-- The rows of a transaction, or of several that share a commit, are numbered and linked at once, as its last statement, and put
-- into the table once. Before, each row was added, and changed at the commit: two entries in each of six indexes. Where an older
-- version of the program adds rows, their trigger does so still.
CREATE FUNCTION append_audit(records JSONB) RETURNS VOID LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  before audit_head;
  latest audit;
  added  RECORD;
  number BIGINT;
  linked BYTEA;
BEGIN
  -- Numbers of changes are drawn first, so that every transaction takes the two locks in the same order.
  SET CONSTRAINTS ALL IMMEDIATE;
  SELECT * INTO before FROM audit_head FOR UPDATE;
  SELECT * INTO latest FROM audit WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1;
  -- Where the head was changed by hand, the log goes on after its last row, and its check finds the place.
  IF before.seq IS NULL OR latest.seq >= before.seq THEN
    before.seq := COALESCE(latest.seq, 0);
    before.link := COALESCE(latest.link, '');
  END IF;
  FOR added IN SELECT * FROM jsonb_to_recordset(records) AS record (record_id TEXT, at BIGINT, caller TEXT, action TEXT,
    grant_id TEXT, generation BIGINT, outcome TEXT, detail TEXT, request_id TEXT, session_id TEXT, anchor BIGINT, mac TEXT)
  LOOP
    number := before.seq + 1;
    linked := sha256(before.link || convert_to(number::text, 'UTF8') || decode(added.mac, 'hex'));
    -- Only a release may be there already. It is not added again, and takes no number.
    INSERT INTO audit (seq, link, record_id, at, caller, action, grant_id, generation, outcome, detail, request_id, session_id,
        anchor, mac)
      VALUES (number, linked, added.record_id, added.at, added.caller, added.action, added.grant_id, added.generation,
        added.outcome, added.detail, added.request_id, added.session_id, added.anchor, decode(added.mac, 'hex'))
      ON CONFLICT (grant_id, caller, generation, detail) WHERE action = 'token.released' DO NOTHING;
    IF FOUND THEN
      before.seq := number;
      before.link := linked;
    END IF;
  END LOOP;
  INSERT INTO audit_head (seq, link) VALUES (before.seq, before.link)
    ON CONFLICT (only_row) DO UPDATE SET seq = EXCLUDED.seq, link = EXCLUDED.link;
END $$;

DROP TRIGGER audit_added ON audit;
CREATE CONSTRAINT TRIGGER audit_added AFTER INSERT ON audit
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.seq IS NULL) EXECUTE FUNCTION link_audit();
`,
  },
  {
    name: "0027-events",
    checksum: "f04d5700f555f5817ab84a566c7204a7f3ddb2fdfc643283d109f3ea172b3e0c",
    text: `-- What apps are told of: a row for each change of a grant that somebody should hear of, in the transaction of the change.
CREATE TABLE events (
  seq       BIGINT PRIMARY KEY,
  event_id  TEXT COLLATE "C" NOT NULL,
  at        BIGINT NOT NULL,
  type      TEXT COLLATE "C" NOT NULL,
  grant_id  TEXT COLLATE "C",
  provider  TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  body      TEXT NOT NULL
);

CREATE INDEX events_by_grant ON events (grant_id, seq) WHERE grant_id IS NOT NULL;

-- The last number that was given, and up to which rows were taken out.
CREATE TABLE event_head (
  only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
  seq      BIGINT NOT NULL,
  pruned   BIGINT NOT NULL
);

INSERT INTO event_head (seq, pruned) VALUES (0, 0);

-- A sequence would number rows in another order than that of the commits, and who has read up to a number would miss the rows
-- that come later with smaller ones. So the number is drawn from a row whose lock is held until the new row is visible. Rows
-- are added with the commit, after everything else of the transaction, and before the numbers of changes and of the audit log.
CREATE FUNCTION number_event() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE event_head SET seq = seq + 1 RETURNING seq INTO NEW.seq;
  RETURN NEW;
END $$;

CREATE TRIGGER events_numbered BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION number_event();
`,
  },
  {
    name: "0028-signals",
    checksum: "0030edb36eb38d5faa1b1f46779934ccffc5a449c834c56bed0c6902ea7b1c23",
    text: `-- Security events that were taken: each once, whichever process it is delivered to, and however often.
CREATE TABLE signals (
  -- Keyed hash of the issuer and its jti.
  signal_hash BYTEA PRIMARY KEY,
  -- Of a verification: keyed hash of the state that was asked with. Null for all others.
  state_hash  BYTEA,
  received_at BIGINT NOT NULL
);
CREATE INDEX signals_by_time ON signals (received_at);
CREATE INDEX signals_by_state ON signals (state_hash) WHERE state_hash IS NOT NULL;

-- What was said of a grant, the last time for each kind of event: the evidence for what became of it.
CREATE TABLE grant_signals (
  grant_id    TEXT COLLATE "C" NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
  event       TEXT COLLATE "C" NOT NULL,
  said_reason TEXT COLLATE "C",
  happened_at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  effect      TEXT COLLATE "C" NOT NULL CHECK (effect IN ('lapse', 'suspect', 'look', 'note')),
  PRIMARY KEY (grant_id, event)
);

-- A security event may name a refresh token by its first characters, and nothing else.
CREATE INDEX grants_by_refresh_prefix ON grants (refresh_prefix_hash) WHERE refresh_prefix_hash IS NOT NULL;
`,
  },
  {
    name: "0029-dashboard",
    checksum: "364dfd125ecdb6dfda2686c6606560230512248fee4e432e45c35f4379a6421c",
    text: `-- Who is signed in to the dashboard. A link lets somebody in once; its row goes when it does. Of links and sessions only keyed
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
`,
  },
  {
    name: "0030-webhooks",
    checksum: "9e8f4585d80cc98c2db2da3c0d30da01cc3409232bd763f107a2502fd360fd6f",
    text: `-- When apps are told that a consent ends soon. Null: no end is known, or they were told.
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
`,
  },
  {
    name: "0031-why-grants-die",
    checksum: "f232e1f2310059f65c025d27d8155a02a37508df211b1f1be071b3d3e640a314",
    text: `-- When the person consented last, and what was asked for then and not granted.
ALTER TABLE grants ADD COLUMN consented_at BIGINT;
ALTER TABLE grants ADD COLUMN withheld_scope TEXT NOT NULL DEFAULT '';
-- What the provider said beside the code of the last refusal, short and without secrets.
ALTER TABLE grants ADD COLUMN last_error_says TEXT;
-- Why a suspect grant is suspect; of one that is not, why it was last.
ALTER TABLE grants ADD COLUMN doubt TEXT;
-- When the provider last called a refresh token of this grant dead, and at which age, counted from its consent: it was alive at
-- the one and dead at the other, milliseconds. They stay when the person consents again: the ages of many show why they die.
ALTER TABLE grants ADD COLUMN died_at BIGINT;
ALTER TABLE grants ADD COLUMN died_after BIGINT;
ALTER TABLE grants ADD COLUMN died_before BIGINT;

-- For those who look how long the grants of a client live. No refresh changes what stands in them.
CREATE INDEX grants_by_death ON grants (client_id, died_at) WHERE died_at IS NOT NULL;
CREATE INDEX grants_by_consent ON grants (client_id, consented_at) WHERE consented_at IS NOT NULL;
`,
  },
  {
    name: "0032-epochs",
    checksum: "7cfdb4882678f7a35e6c49ab6f13ba5c3112bb4fc012ecd249260406a14dd9f2",
    text: `-- Marks that are also kept outside of the database. One that is missing here, or is another one, tells that an older backup was
-- restored.
CREATE TABLE store_marks (
  mark_no    BIGINT PRIMARY KEY,
  mark       TEXT COLLATE "C" NOT NULL,
  at         BIGINT NOT NULL,
  -- The number of the latest change of a grant.
  change_seq BIGINT NOT NULL,
  -- Where the database was, as JSON.
  place      TEXT NOT NULL
);

-- Each time that this database was found to be a backup or a copy. While settled_at is null, it stands still.
CREATE TABLE store_epochs (
  epoch      BIGINT PRIMARY KEY,
  why        TEXT COLLATE "C" NOT NULL CHECK (why IN ('restored', 'copied', 'told')),
  noticed_at BIGINT NOT NULL,
  -- When it was last known to be itself. Null: never.
  backup_at  BIGINT,
  -- The numbers between these two are left out of the audit log.
  audit_from BIGINT NOT NULL DEFAULT 0,
  audit_to   BIGINT NOT NULL DEFAULT 0,
  settled_at BIGINT,
  outcome    TEXT COLLATE "C" CHECK (outcome IN ('restored', 'moved'))
);

-- Numbers that were given out after the backup was made must not be given out again: whoever has read up to one of them would
-- miss what comes with the same. Locks are taken in the order of every transaction: events, changes, the audit log.
CREATE FUNCTION skip_numbers() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  skipped CONSTANT BIGINT := 1000000000;
  last    BIGINT;
BEGIN
  UPDATE event_head SET seq = seq + skipped;
  UPDATE change_counter SET change_seq = change_seq + skipped;
  SELECT seq INTO last FROM audit_head FOR UPDATE;
  UPDATE audit_head SET seq = seq + skipped;
  UPDATE store_epochs SET audit_from = COALESCE(last, 0), audit_to = COALESCE(last + skipped, 0) WHERE epoch = NEW.epoch;
  RETURN NULL;
END $$;

CREATE TRIGGER store_epochs_begun AFTER INSERT ON store_epochs FOR EACH ROW EXECUTE FUNCTION skip_numbers();
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
