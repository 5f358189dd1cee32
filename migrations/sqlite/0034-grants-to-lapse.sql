-- The same grants in the order in which their access tokens end: those that have ended are found without reading the others, of which
-- a provider whose tokens live for months has many. The state is the same in all, and comes first because the look for damage reads the
-- ends of an index by a column.
CREATE INDEX grants_to_lapse ON grants (state, COALESCE(access_expires_at, state_since), grant_id)
  WHERE refresh_sealed IS NULL AND state = 'active' AND (access_expires_at IS NOT NULL OR access_sealed IS NULL);
