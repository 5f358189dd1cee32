-- A ticket ties the next code of one sign-in to one of the app's users. It is bound to the code that came with it before
-- that code is sent.
CREATE TABLE tickets (
  ticket_hash    BLOB PRIMARY KEY,
  context_sealed BLOB NOT NULL,
  issued_at      INTEGER NOT NULL,
  code_hash      BLOB,
  bound_at       INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_by_issue ON tickets (issued_at);
