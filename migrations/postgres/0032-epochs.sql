-- Marks that are also kept outside of the database. One that is missing here, or is another one, tells that an older backup was
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
