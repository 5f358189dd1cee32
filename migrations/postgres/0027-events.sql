-- What apps are told of: a row for each change of a grant that somebody should hear of, in the transaction of the change.
CREATE TABLE events (
  seq       BIGINT PRIMARY KEY,
  event_id  TEXT COLLATE "C" NOT NULL,
  at        BIGINT NOT NULL,
  type      TEXT COLLATE "C" NOT NULL,
  grant_id  TEXT COLLATE "C",
  provider  TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  body      TEXT NOT NULL
);

CREATE INDEX events_by_grant ON events (grant_id, seq) WHERE grant_id IS NOT NULL;

-- The last number that was given, and up to which rows were taken out.
CREATE TABLE event_head (
  only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
  seq      BIGINT NOT NULL,
  pruned   BIGINT NOT NULL
);

INSERT INTO event_head (seq, pruned) VALUES (0, 0);

-- A sequence would number rows in another order than that of the commits, and who has read up to a number would miss the rows
-- that come later with smaller ones. So the number is drawn from a row whose lock is held until the new row is visible. Rows
-- are added with the commit, after everything else of the transaction, and before the numbers of changes and of the audit log.
CREATE FUNCTION number_event() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE event_head SET seq = seq + 1 RETURNING seq INTO NEW.seq;
  RETURN NEW;
END $$;

CREATE TRIGGER events_numbered BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION number_event();
