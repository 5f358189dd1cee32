-- Marks that are also kept outside of the database. One that is missing here, or is another one, tells that an older backup was
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
