-- The rows of a transaction, or of several that share a commit, are numbered and linked at once, as its last statement, and put
-- into the table once. Before, each row was added, and changed at the commit: two entries in each of six indexes. Where an older
-- version of the program adds rows, their trigger does so still.
CREATE FUNCTION append_audit(records JSONB) RETURNS VOID LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  before audit_head;
  latest audit;
  added  RECORD;
  number BIGINT;
  linked BYTEA;
BEGIN
  -- Numbers of changes are drawn first, so that every transaction takes the two locks in the same order.
  SET CONSTRAINTS ALL IMMEDIATE;
  SELECT * INTO before FROM audit_head FOR UPDATE;
  SELECT * INTO latest FROM audit WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1;
  -- Where the head was changed by hand, the log goes on after its last row, and its check finds the place.
  IF before.seq IS NULL OR latest.seq >= before.seq THEN
    before.seq := COALESCE(latest.seq, 0);
    before.link := COALESCE(latest.link, '');
  END IF;
  FOR added IN SELECT * FROM jsonb_to_recordset(records) AS record (record_id TEXT, at BIGINT, caller TEXT, action TEXT,
    grant_id TEXT, generation BIGINT, outcome TEXT, detail TEXT, request_id TEXT, session_id TEXT, anchor BIGINT, mac TEXT)
  LOOP
    number := before.seq + 1;
    linked := sha256(before.link || convert_to(number::text, 'UTF8') || decode(added.mac, 'hex'));
    -- Only a release may be there already. It is not added again, and takes no number.
    INSERT INTO audit (seq, link, record_id, at, caller, action, grant_id, generation, outcome, detail, request_id, session_id,
        anchor, mac)
      VALUES (number, linked, added.record_id, added.at, added.caller, added.action, added.grant_id, added.generation,
        added.outcome, added.detail, added.request_id, added.session_id, added.anchor, decode(added.mac, 'hex'))
      ON CONFLICT (grant_id, caller, generation, detail) WHERE action = 'token.released' DO NOTHING;
    IF FOUND THEN
      before.seq := number;
      before.link := linked;
    END IF;
  END LOOP;
  INSERT INTO audit_head (seq, link) VALUES (before.seq, before.link)
    ON CONFLICT (only_row) DO UPDATE SET seq = EXCLUDED.seq, link = EXCLUDED.link;
END $$;

DROP TRIGGER audit_added ON audit;
CREATE CONSTRAINT TRIGGER audit_added AFTER INSERT ON audit
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.seq IS NULL) EXECUTE FUNCTION link_audit();
