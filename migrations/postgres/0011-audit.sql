-- What happened, and which tokens left, numbered without gaps. Each row's link is a hash of the link of the row before, of
-- its own number and of its keyed hash (mac), so that a row that was changed, taken out or put elsewhere is found.
CREATE TABLE audit (
  -- These two are given at the commit.
  seq        BIGINT UNIQUE,
  link       BYTEA,
  record_id  TEXT COLLATE "C" PRIMARY KEY,
  at         BIGINT NOT NULL,
  caller     TEXT COLLATE "C" NOT NULL,
  action     TEXT COLLATE "C" NOT NULL,
  grant_id   TEXT COLLATE "C",
  generation BIGINT,
  outcome    TEXT NOT NULL,
  detail     TEXT COLLATE "C",
  request_id TEXT,
  mac        BYTEA NOT NULL
);

-- One row for each caller that was given a token of a generation, however often it asks.
CREATE UNIQUE INDEX audit_by_release ON audit (grant_id, caller, generation, detail) WHERE action = 'token.released';
CREATE INDEX audit_by_grant ON audit (grant_id, seq) WHERE grant_id IS NOT NULL;
CREATE INDEX audit_by_caller ON audit (caller, seq);

-- The last row that was added. Without it, nobody could tell that the last rows were taken out.
CREATE TABLE audit_head (
  only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
  seq      BIGINT NOT NULL,
  link     BYTEA NOT NULL
);

INSERT INTO audit_head (seq, link) VALUES (0, '');

-- As numbers of changes are: drawn from a row whose lock is held until the new row is visible, and by the server alone, for
-- the length of a commit. So numbers have no gaps and become visible in their order, and no client holds up another.
-- Rows are added last in a transaction, so that the two locks are always taken in the same order.
CREATE FUNCTION link_audit() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  before audit_head;
  latest audit;
  number BIGINT;
  linked BYTEA;
BEGIN
  SELECT * INTO before FROM audit_head FOR UPDATE;
  SELECT * INTO latest FROM audit WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1;
  -- Where the head was changed by hand, the log goes on after its last row, and its check finds the place.
  IF before.seq IS NULL OR latest.seq >= before.seq THEN
    before.seq := COALESCE(latest.seq, 0);
    before.link := COALESCE(latest.link, '');
  END IF;
  number := before.seq + 1;
  linked := sha256(before.link || convert_to(number::text, 'UTF8') || NEW.mac);
  UPDATE audit SET seq = number, link = linked WHERE record_id = NEW.record_id;
  INSERT INTO audit_head (seq, link) VALUES (number, linked)
    ON CONFLICT (only_row) DO UPDATE SET seq = EXCLUDED.seq, link = EXCLUDED.link;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER audit_added AFTER INSERT ON audit
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION link_audit();
