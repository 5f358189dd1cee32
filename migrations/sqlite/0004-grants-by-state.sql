-- Lists and sweeps of one state, a page at a time, however many grants are in another state. One index a state: with
-- the state as a column of a single index, SQLite takes that index for every statement that names a state, and walks
-- all active grants where another index finds the few that are wanted.
CREATE INDEX grants_active ON grants (grant_id) WHERE state = 'active';
CREATE INDEX grants_suspect ON grants (grant_id) WHERE state = 'suspect';
CREATE INDEX grants_lapsed ON grants (grant_id) WHERE state = 'lapsed';
CREATE INDEX grants_revoking ON grants (grant_id) WHERE state = 'revoking';
CREATE INDEX grants_revoked ON grants (grant_id) WHERE state = 'revoked';
