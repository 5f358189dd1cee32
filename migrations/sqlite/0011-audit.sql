-- What happened, and which tokens left, numbered without gaps. Each row's link is a hash of the link of the row before, of
-- its own number and of its keyed hash (mac), so that a row that was changed, taken out or put elsewhere is found.
CREATE TABLE audit (
  seq        INTEGER PRIMARY KEY,
  record_id  TEXT NOT NULL UNIQUE,
  at         INTEGER NOT NULL,
  caller     TEXT NOT NULL,
  action     TEXT NOT NULL,
  grant_id   TEXT,
  generation INTEGER,
  outcome    TEXT NOT NULL,
  detail     TEXT,
  request_id TEXT,
  mac        BLOB NOT NULL,
  link       BLOB NOT NULL
) STRICT;

-- One row for each caller that was given a token of a generation, however often it asks.
CREATE UNIQUE INDEX audit_by_release ON audit (grant_id, caller, generation, detail) WHERE action = 'token.released';
CREATE INDEX audit_by_grant ON audit (grant_id, seq) WHERE grant_id IS NOT NULL;
CREATE INDEX audit_by_caller ON audit (caller, seq);

-- The last row that was added. Without it, nobody could tell that the last rows were taken out.
CREATE TABLE audit_head (
  only_row INT NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  seq      INTEGER NOT NULL,
  link     BLOB NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO audit_head (seq, link) VALUES (0, x'');
