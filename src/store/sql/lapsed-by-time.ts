/** Grants that give no token once their access token has ended. It stands in two indexes in these words. */
export const withoutAccess = `refresh_sealed IS NULL AND state = 'active'
  AND (access_expires_at IS NOT NULL OR access_sealed IS NULL)`;

/** When that is, or was: milliseconds since the epoch. As it stands in the index of those that the keeper will call lapsed. */
export const accessEnd = "COALESCE(access_expires_at, state_since)";

/**
 * Grants that have lapsed by the time alone, before the keeper has written it: `asItStands` in SQL. `:at` is milliseconds since the
 * epoch.
 */
export const lapsedByTime: string = `${withoutAccess} AND COALESCE(access_expires_at, 0) <= :at`;
