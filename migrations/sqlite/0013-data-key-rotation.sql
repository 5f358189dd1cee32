-- How each data key stands: 'next' is being made known, 'current' seals, what a 'previous' one has sealed is sealed anew,
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
