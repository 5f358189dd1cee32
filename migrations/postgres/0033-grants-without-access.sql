-- Grants that give no token once their access token has ended: they are listed with the lapsed ones. Stores whose grants all hold
-- refresh tokens have none in it. The state comes first, though there is one alone: SQLite takes the index of all that are active otherwise.
CREATE INDEX grants_without_refresh ON grants (state, grant_id, access_expires_at)
  WHERE refresh_sealed IS NULL AND state = 'active' AND (access_expires_at IS NOT NULL OR access_sealed IS NULL);
