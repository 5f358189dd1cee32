-- What apps are told of: a row for each change of a grant that somebody should hear of, in the transaction of the change.
-- Numbers have no gaps: there is one writer.
CREATE TABLE events (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id  TEXT NOT NULL,
  at        INTEGER NOT NULL,
  type      TEXT NOT NULL,
  grant_id  TEXT,
  provider  TEXT NOT NULL,
  client_id TEXT NOT NULL,
  body      TEXT NOT NULL
) STRICT;

CREATE INDEX events_by_grant ON events (grant_id, seq) WHERE grant_id IS NOT NULL;

-- The last number that was given, and up to which rows were taken out.
CREATE TABLE event_head (
  only_row INT NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  seq      INTEGER NOT NULL,
  pruned   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO event_head (seq, pruned) VALUES (0, 0);

CREATE TRIGGER events_added AFTER INSERT ON events BEGIN
  UPDATE event_head SET seq = NEW.seq;
END;
