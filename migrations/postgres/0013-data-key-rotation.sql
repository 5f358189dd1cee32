-- How each data key stands: 'next' is being made known, 'current' seals, what a 'previous' one has sealed is sealed anew,
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
