/**
 * Grants that have lapsed by the time alone, though nobody has written it: `asItStands` in SQL. All but the last condition stands in
 * an index in these words; `:at` is milliseconds since the epoch.
 */
export const lapsedByTime = `refresh_sealed IS NULL AND state = 'active'
  AND (access_expires_at IS NOT NULL OR access_sealed IS NULL) AND COALESCE(access_expires_at, 0) <= :at`;
