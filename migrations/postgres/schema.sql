-- What the migrations of this folder result in. Written by tools/dump-schema.ts; not run by anything.

CREATE TABLE attempts (
  grant_id text COLLATE "C" NOT NULL,
  attempt_id text COLLATE "C" NOT NULL,
  generation bigint NOT NULL,
  owner text NOT NULL,
  started_at bigint NOT NULL,
  ended_unknown integer NOT NULL DEFAULT 0,
  CONSTRAINT attempts_attempt_id_key UNIQUE (attempt_id),
  CONSTRAINT attempts_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES grants(grant_id) ON DELETE CASCADE,
  CONSTRAINT attempts_pkey PRIMARY KEY (grant_id)
);

CREATE TABLE audit (
  seq bigint,
  link bytea,
  record_id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  caller text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  grant_id text COLLATE "C",
  generation bigint,
  outcome text NOT NULL,
  detail text COLLATE "C",
  request_id text,
  mac bytea NOT NULL,
  anchor bigint,
  session_id text,
  CONSTRAINT audit_pkey PRIMARY KEY (record_id),
  CONSTRAINT audit_seq_key UNIQUE (seq)
);

CREATE INDEX audit_by_caller ON public.audit USING btree (caller, seq);

CREATE INDEX audit_by_grant ON public.audit USING btree (grant_id, seq) WHERE (grant_id IS NOT NULL);

CREATE INDEX audit_prunings ON public.audit USING btree (seq) WHERE (action = 'audit.pruned'::text);

CREATE UNIQUE INDEX audit_by_release ON public.audit USING btree (grant_id, caller, generation, detail) WHERE (action = 'token.released'::text);

CREATE CONSTRAINT TRIGGER audit_added AFTER INSERT ON public.audit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.seq IS NULL)) EXECUTE FUNCTION link_audit();

CREATE TABLE audit_head (
  only_row boolean NOT NULL DEFAULT true,
  seq bigint NOT NULL,
  link bytea NOT NULL,
  CONSTRAINT audit_head_only_row_check CHECK (only_row),
  CONSTRAINT audit_head_pkey PRIMARY KEY (only_row)
);

CREATE TABLE callers (
  caller_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  key_hash bytea NOT NULL,
  permissions text NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint,
  revoked_at bigint,
  grants_sealed bytea,
  providers text,
  previous_hash bytea,
  previous_until bigint,
  last_used_at bigint,
  rights_mac bytea,
  CONSTRAINT callers_pkey PRIMARY KEY (caller_id)
);

CREATE UNIQUE INDEX callers_by_name ON public.callers USING btree (name) WHERE (revoked_at IS NULL);

CREATE TABLE change_counter (
  only_row boolean NOT NULL DEFAULT true,
  change_seq bigint NOT NULL,
  CONSTRAINT change_counter_only_row_check CHECK (only_row),
  CONSTRAINT change_counter_pkey PRIMARY KEY (only_row)
);

CREATE TABLE client_keys (
  issuer text NOT NULL,
  client_id text NOT NULL,
  key_sealed bytea NOT NULL,
  created_at bigint NOT NULL,
  CONSTRAINT client_keys_pkey PRIMARY KEY (issuer, client_id)
);

CREATE TABLE connects (
  connect_hash bytea NOT NULL,
  asked_sealed bytea NOT NULL,
  flow_sealed bytea,
  state_hash bytea,
  tries bigint NOT NULL,
  error text COLLATE "C",
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  ended_at bigint,
  CONSTRAINT connects_pkey PRIMARY KEY (connect_hash)
);

CREATE INDEX connects_by_expiry ON public.connects USING btree (expires_at);

CREATE UNIQUE INDEX connects_by_state ON public.connects USING btree (state_hash) WHERE (state_hash IS NOT NULL);

CREATE TABLE dashboard_links (
  link_id text COLLATE "C" NOT NULL,
  link_hash bytea NOT NULL,
  role text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  operator_mac bytea NOT NULL,
  CONSTRAINT dashboard_links_pkey PRIMARY KEY (link_id),
  CONSTRAINT dashboard_links_role_check CHECK ((role = ANY (ARRAY['operator'::text, 'reader'::text])))
);

CREATE INDEX dashboard_links_by_end ON public.dashboard_links USING btree (expires_at);

CREATE TABLE data_keys (
  key_id integer NOT NULL,
  key_class text NOT NULL,
  master_key_id text NOT NULL,
  wrapped bytea NOT NULL,
  state text COLLATE "C" NOT NULL DEFAULT 'current'::text,
  since bigint NOT NULL DEFAULT 0,
  CONSTRAINT data_keys_pkey PRIMARY KEY (key_id)
);

CREATE TABLE deposits (
  token_hash bytea NOT NULL,
  grant_id text COLLATE "C",
  result_mac bytea,
  deposited_at bigint NOT NULL,
  CONSTRAINT deposits_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES grants(grant_id) ON DELETE CASCADE,
  CONSTRAINT deposits_pkey PRIMARY KEY (token_hash)
);

CREATE INDEX deposits_by_grant ON public.deposits USING btree (grant_id) WHERE (grant_id IS NOT NULL);

CREATE TABLE event_head (
  only_row boolean NOT NULL DEFAULT true,
  seq bigint NOT NULL,
  pruned bigint NOT NULL,
  CONSTRAINT event_head_only_row_check CHECK (only_row),
  CONSTRAINT event_head_pkey PRIMARY KEY (only_row)
);

CREATE TABLE events (
  seq bigint NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  type text COLLATE "C" NOT NULL,
  grant_id text COLLATE "C",
  provider text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  body text NOT NULL,
  CONSTRAINT events_pkey PRIMARY KEY (seq)
);

CREATE INDEX events_by_grant ON public.events USING btree (grant_id, seq) WHERE (grant_id IS NOT NULL);

CREATE TRIGGER events_numbered BEFORE INSERT ON public.events FOR EACH ROW EXECUTE FUNCTION number_event();

CREATE TABLE external_ids (
  external_hash bytea NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  grant_id text COLLATE "C" NOT NULL,
  account_hash bytea NOT NULL,
  CONSTRAINT external_ids_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES grants(grant_id) ON DELETE CASCADE,
  CONSTRAINT external_ids_pkey PRIMARY KEY (external_hash, client_id, provider, account_hash)
);

CREATE INDEX external_ids_by_account ON public.external_ids USING btree (account_hash, grant_id);

CREATE UNIQUE INDEX external_ids_by_grant ON public.external_ids USING btree (grant_id, external_hash);

CREATE TABLE grant_changes (
  grant_id text COLLATE "C" NOT NULL,
  change_seq bigint NOT NULL,
  CONSTRAINT grant_changes_change_seq_key UNIQUE (change_seq),
  CONSTRAINT grant_changes_pkey PRIMARY KEY (grant_id)
);

CREATE TABLE grant_signals (
  grant_id text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  said_reason text COLLATE "C",
  happened_at bigint NOT NULL,
  received_at bigint NOT NULL,
  effect text COLLATE "C" NOT NULL,
  CONSTRAINT grant_signals_effect_check CHECK ((effect = ANY (ARRAY['lapse'::text, 'suspect'::text, 'look'::text, 'note'::text]))),
  CONSTRAINT grant_signals_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES grants(grant_id) ON DELETE CASCADE,
  CONSTRAINT grant_signals_pkey PRIMARY KEY (grant_id, event)
);

CREATE TABLE grants (
  grant_id text COLLATE "C" NOT NULL,
  provider text NOT NULL,
  issuer text NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  subject_hash bytea NOT NULL,
  profile_sealed bytea NOT NULL,
  scope text NOT NULL,
  state text COLLATE "C" NOT NULL,
  reason text,
  state_since bigint NOT NULL,
  generation bigint NOT NULL,
  refresh_sealed bytea,
  refresh_expires_at bigint,
  refresh_prefix_hash bytea,
  refresh_digest_hash bytea,
  access_sealed bytea,
  access_issued_at bigint,
  access_expires_at bigint,
  last_refresh_at bigint,
  last_error text,
  last_error_at bigint,
  failures integer NOT NULL DEFAULT 0,
  retry_at bigint,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  lost_scope text NOT NULL DEFAULT ''::text,
  look_at bigint,
  consent_expires_at bigint,
  identity_mac bytea,
  reseals bigint NOT NULL DEFAULT 0,
  keep_alive_slot smallint GENERATED ALWAYS AS (GREATEST((strpos('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'::text, substr(grant_id, 3, 1)) - 1), 0)) STORED,
  announce_end_at bigint,
  consented_at bigint,
  withheld_scope text NOT NULL DEFAULT ''::text,
  last_error_says text,
  doubt text,
  died_at bigint,
  died_after bigint,
  died_before bigint,
  CONSTRAINT grants_pkey PRIMARY KEY (grant_id),
  CONSTRAINT grants_state_check CHECK ((state = ANY (ARRAY['active'::text, 'suspect'::text, 'lapsed'::text, 'revoking'::text, 'revoked'::text])))
);

CREATE INDEX grants_active ON public.grants USING btree (grant_id) WHERE (state = 'active'::text);

CREATE INDEX grants_by_announced_end ON public.grants USING btree (client_id, (((access_issued_at * (160 - keep_alive_slot)) + (refresh_expires_at * (160 + keep_alive_slot)))), grant_id) WHERE ((state = 'active'::text) AND (refresh_sealed IS NOT NULL) AND (refresh_expires_at IS NOT NULL));

CREATE INDEX grants_by_announcement ON public.grants USING btree (announce_end_at, grant_id) WHERE ((announce_end_at IS NOT NULL) AND (state = ANY (ARRAY['active'::text, 'suspect'::text])));

CREATE INDEX grants_by_consent ON public.grants USING btree (client_id, consented_at) WHERE (consented_at IS NOT NULL);

CREATE INDEX grants_by_death ON public.grants USING btree (client_id, died_at) WHERE (died_at IS NOT NULL);

CREATE INDEX grants_by_exchange ON public.grants USING btree (client_id, keep_alive_slot, access_issued_at, grant_id) WHERE ((state = 'active'::text) AND (refresh_sealed IS NOT NULL));

CREATE INDEX grants_by_look ON public.grants USING btree (look_at, grant_id) WHERE (look_at IS NOT NULL);

CREATE INDEX grants_by_refresh_digest ON public.grants USING btree (refresh_digest_hash) WHERE (refresh_digest_hash IS NOT NULL);

CREATE INDEX grants_by_refresh_prefix ON public.grants USING btree (refresh_prefix_hash) WHERE (refresh_prefix_hash IS NOT NULL);

CREATE INDEX grants_lapsed ON public.grants USING btree (grant_id) WHERE (state = 'lapsed'::text);

CREATE INDEX grants_revoked ON public.grants USING btree (grant_id) WHERE (state = 'revoked'::text);

CREATE INDEX grants_revoking ON public.grants USING btree (grant_id) WHERE (state = 'revoking'::text);

CREATE INDEX grants_suspect ON public.grants USING btree (grant_id) WHERE (state = 'suspect'::text);

CREATE INDEX grants_to_lapse ON public.grants USING btree (state, COALESCE(access_expires_at, state_since), grant_id) WHERE ((refresh_sealed IS NULL) AND (state = 'active'::text) AND ((access_expires_at IS NOT NULL) OR (access_sealed IS NULL)));

CREATE INDEX grants_without_refresh ON public.grants USING btree (state, grant_id, access_expires_at) WHERE ((refresh_sealed IS NULL) AND (state = 'active'::text) AND ((access_expires_at IS NOT NULL) OR (access_sealed IS NULL)));

CREATE UNIQUE INDEX grants_by_subject ON public.grants USING btree (subject_hash, client_id);

CREATE CONSTRAINT TRIGGER grants_changed AFTER INSERT OR DELETE ON public.grants DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION number_change();

CREATE CONSTRAINT TRIGGER grants_updated AFTER UPDATE ON public.grants DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((old.reseals = new.reseals)) EXECUTE FUNCTION number_change();

CREATE TABLE handles (
  handle_id text COLLATE "C" NOT NULL,
  grant_id text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  caller_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  secret_hash bytea NOT NULL,
  scopes text COLLATE "C",
  created_at bigint NOT NULL,
  expires_at bigint,
  revoked_at bigint,
  last_used_at bigint,
  rights_mac bytea NOT NULL,
  CONSTRAINT handles_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES grants(grant_id) ON DELETE CASCADE,
  CONSTRAINT handles_pkey PRIMARY KEY (handle_id)
);

CREATE INDEX handles_by_grant ON public.handles USING btree (grant_id, created_at, handle_id);

CREATE TABLE intakes (
  code_hash bytea NOT NULL,
  state text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  owner text NOT NULL,
  context_sealed bytea NOT NULL,
  answer_sealed bytea,
  grant_id text COLLATE "C",
  rejection text,
  started_at bigint NOT NULL,
  ended_at bigint,
  result_mac bytea,
  assertion_sealed bytea,
  held_until bigint,
  CONSTRAINT intakes_pkey PRIMARY KEY (code_hash),
  CONSTRAINT intakes_state_check CHECK ((state = ANY (ARRAY['spending'::text, 'answered'::text, 'done'::text, 'rejected'::text])))
);

CREATE INDEX intakes_by_end ON public.intakes USING btree (ended_at);

CREATE INDEX intakes_held ON public.intakes USING btree (held_until, code_hash) WHERE (held_until IS NOT NULL);

CREATE INDEX intakes_open ON public.intakes USING btree (started_at, code_hash) WHERE ((ended_at IS NULL) AND (held_until IS NULL));

CREATE TABLE key_readers (
  owner text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  seen_at bigint NOT NULL,
  CONSTRAINT key_readers_pkey PRIMARY KEY (owner)
);

CREATE TABLE meta (
  name text COLLATE "C" NOT NULL,
  value text NOT NULL,
  CONSTRAINT meta_pkey PRIMARY KEY (name)
);

CREATE TABLE onbehalf_migrations (
  name text NOT NULL,
  applied_at bigint NOT NULL,
  checksum text,
  CONSTRAINT onbehalf_migrations_pkey PRIMARY KEY (name)
);

CREATE TABLE operator_sessions (
  operator_session_id text COLLATE "C" NOT NULL,
  cookie_hash bytea NOT NULL,
  role text COLLATE "C" NOT NULL,
  begun_at bigint NOT NULL,
  ends_at bigint NOT NULL,
  last_used_at bigint NOT NULL,
  operator_mac bytea NOT NULL,
  CONSTRAINT operator_sessions_pkey PRIMARY KEY (operator_session_id),
  CONSTRAINT operator_sessions_role_check CHECK ((role = ANY (ARRAY['operator'::text, 'reader'::text])))
);

CREATE INDEX operator_sessions_by_end ON public.operator_sessions USING btree (ends_at, operator_session_id);

CREATE TABLE orphans (
  orphan_id text COLLATE "C" NOT NULL,
  grant_id text COLLATE "C" NOT NULL,
  parent_generation bigint NOT NULL,
  answer_sealed bytea NOT NULL,
  received_at bigint NOT NULL,
  CONSTRAINT orphans_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES grants(grant_id) ON DELETE CASCADE,
  CONSTRAINT orphans_pkey PRIMARY KEY (orphan_id)
);

CREATE INDEX orphans_by_grant ON public.orphans USING btree (grant_id, parent_generation);

CREATE TABLE owners (
  owner text COLLATE "C" NOT NULL,
  lock_key bigint NOT NULL,
  server_started_at bigint NOT NULL,
  announced_at bigint NOT NULL,
  CONSTRAINT owners_pkey PRIMARY KEY (owner)
);

CREATE TABLE probes (
  grant_id text COLLATE "C" NOT NULL,
  begun_at bigint NOT NULL,
  generation bigint,
  checked_at bigint,
  answer text COLLATE "C",
  CONSTRAINT probes_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES grants(grant_id) ON DELETE CASCADE,
  CONSTRAINT probes_pkey PRIMARY KEY (grant_id)
);

CREATE TABLE provider_conditions (
  provider text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  condition text COLLATE "C" NOT NULL,
  since bigint NOT NULL,
  CONSTRAINT provider_conditions_pkey PRIMARY KEY (provider, client_id)
);

CREATE TABLE refresh_counts (
  quarter_at bigint NOT NULL,
  provider text COLLATE "C" NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  refreshes bigint NOT NULL,
  CONSTRAINT refresh_counts_pkey PRIMARY KEY (quarter_at, provider, outcome)
);

CREATE TABLE registered_clients (
  provider text NOT NULL,
  server text NOT NULL,
  client_id text NOT NULL,
  registration_sealed bytea,
  changed_at bigint NOT NULL,
  CONSTRAINT registered_clients_pkey PRIMARY KEY (provider, server)
);

CREATE TABLE sessions (
  session_id text COLLATE "C" NOT NULL,
  caller_id text COLLATE "C" NOT NULL,
  session_hash bytea NOT NULL,
  limits_sealed bytea NOT NULL,
  begun_at bigint NOT NULL,
  ends_at bigint NOT NULL,
  session_mac bytea NOT NULL,
  CONSTRAINT sessions_caller_id_fkey FOREIGN KEY (caller_id) REFERENCES callers(caller_id) ON DELETE CASCADE,
  CONSTRAINT sessions_pkey PRIMARY KEY (session_id)
);

CREATE INDEX sessions_by_caller ON public.sessions USING btree (caller_id, ends_at, session_id);

CREATE INDEX sessions_by_end ON public.sessions USING btree (ends_at, session_id);

CREATE TABLE signals (
  signal_hash bytea NOT NULL,
  state_hash bytea,
  received_at bigint NOT NULL,
  CONSTRAINT signals_pkey PRIMARY KEY (signal_hash)
);

CREATE INDEX signals_by_state ON public.signals USING btree (state_hash) WHERE (state_hash IS NOT NULL);

CREATE INDEX signals_by_time ON public.signals USING btree (received_at);

CREATE TABLE store_epochs (
  epoch bigint NOT NULL,
  why text COLLATE "C" NOT NULL,
  noticed_at bigint NOT NULL,
  backup_at bigint,
  audit_from bigint NOT NULL DEFAULT 0,
  audit_to bigint NOT NULL DEFAULT 0,
  settled_at bigint,
  outcome text COLLATE "C",
  CONSTRAINT store_epochs_outcome_check CHECK ((outcome = ANY (ARRAY['restored'::text, 'moved'::text]))),
  CONSTRAINT store_epochs_pkey PRIMARY KEY (epoch),
  CONSTRAINT store_epochs_why_check CHECK ((why = ANY (ARRAY['restored'::text, 'copied'::text, 'told'::text])))
);

CREATE TRIGGER store_epochs_begun AFTER INSERT ON public.store_epochs FOR EACH ROW EXECUTE FUNCTION skip_numbers();

CREATE TABLE store_marks (
  mark_no bigint NOT NULL,
  mark text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  change_seq bigint NOT NULL,
  place text NOT NULL,
  CONSTRAINT store_marks_pkey PRIMARY KEY (mark_no)
);

CREATE TABLE tickets (
  ticket_hash bytea NOT NULL,
  context_sealed bytea NOT NULL,
  issued_at bigint NOT NULL,
  code_hash bytea,
  bound_at bigint,
  CONSTRAINT tickets_pkey PRIMARY KEY (ticket_hash)
);

CREATE INDEX tickets_by_issue ON public.tickets USING btree (issued_at);

CREATE TABLE webhook (
  only_row boolean NOT NULL DEFAULT true,
  url_hash text COLLATE "C" NOT NULL,
  "position" bigint NOT NULL,
  owner text COLLATE "C",
  seen_at bigint NOT NULL,
  stopped text,
  CONSTRAINT webhook_only_row_check CHECK (only_row),
  CONSTRAINT webhook_pkey PRIMARY KEY (only_row)
);

CREATE TABLE webhook_waiting (
  seq bigint NOT NULL,
  line text COLLATE "C" NOT NULL,
  tries integer NOT NULL,
  first_at bigint,
  next_at bigint,
  error text,
  dead_at bigint,
  CONSTRAINT webhook_waiting_pkey PRIMARY KEY (seq)
);

CREATE INDEX webhook_waiting_by_line ON public.webhook_waiting USING btree (line, seq) WHERE (dead_at IS NULL);

CREATE INDEX webhook_waiting_dead ON public.webhook_waiting USING btree (seq) WHERE (dead_at IS NOT NULL);

CREATE INDEX webhook_waiting_due ON public.webhook_waiting USING btree (next_at, seq) WHERE (next_at IS NOT NULL);

CREATE OR REPLACE FUNCTION public.append_audit(records jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.link_audit()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.number_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
DECLARE
  changed TEXT := CASE TG_OP WHEN 'DELETE' THEN OLD.grant_id ELSE NEW.grant_id END;
  number  BIGINT;
BEGIN
  UPDATE change_counter SET change_seq = change_seq + 1 RETURNING change_seq INTO number;
  INSERT INTO grant_changes (grant_id, change_seq) VALUES (changed, number)
    ON CONFLICT (grant_id) DO UPDATE SET change_seq = EXCLUDED.change_seq;
  PERFORM pg_notify('onbehalf_changes', '');
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.number_event()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
BEGIN
  UPDATE event_head SET seq = seq + 1 RETURNING seq INTO NEW.seq;
  RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.skip_numbers()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO '$user', 'public'
AS $function$
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
END $function$;
