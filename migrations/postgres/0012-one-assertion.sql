-- The sign-in assertion that was given for a code, so that a code brings one and no other. Empty: it may not come again.
ALTER TABLE intakes ADD COLUMN assertion_sealed BYTEA;
