-- A ticket ties the next code of one sign-in to one of the app's users. It is bound to the code that came with it before
-- that code is sent.
CREATE TABLE tickets (
  ticket_hash    BYTEA PRIMARY KEY,
  context_sealed BYTEA NOT NULL,
  issued_at      BIGINT NOT NULL,
  code_hash      BYTEA,
  bound_at       BIGINT
);
CREATE INDEX tickets_by_issue ON tickets (issued_at);
