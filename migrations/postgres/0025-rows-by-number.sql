-- When a grant that nobody uses is refreshed depends on its id: one of 64 parts of the time in which it is. All that are due then
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
