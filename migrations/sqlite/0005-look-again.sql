-- When the provider is asked once more about a refusal: of a grant in use, the second look; of one that has lapsed, the
-- last. Few rows have it, so the sweep that reads the index meets few.
ALTER TABLE grants ADD COLUMN look_at INTEGER;

CREATE INDEX grants_by_look ON grants (look_at, grant_id) WHERE look_at IS NOT NULL;
