-- When the person consented last, and what was asked for then and not granted.
ALTER TABLE grants ADD COLUMN consented_at INTEGER;
ALTER TABLE grants ADD COLUMN withheld_scope TEXT NOT NULL DEFAULT '';
-- What the provider said beside the code of the last refusal, short and without secrets.
ALTER TABLE grants ADD COLUMN last_error_says TEXT;
-- Why a suspect grant is suspect; of one that is not, why it was last.
ALTER TABLE grants ADD COLUMN doubt TEXT;
-- When the provider last called a refresh token of this grant dead, and at which age, counted from its consent: it was alive at
-- the one and dead at the other, milliseconds. They stay when the person consents again: the ages of many show why they die.
ALTER TABLE grants ADD COLUMN died_at INTEGER;
ALTER TABLE grants ADD COLUMN died_after INTEGER;
ALTER TABLE grants ADD COLUMN died_before INTEGER;

-- For those who look how long the grants of a client live. No refresh changes what stands in them.
CREATE INDEX grants_by_death ON grants (client_id, died_at) WHERE died_at IS NOT NULL;
CREATE INDEX grants_by_consent ON grants (client_id, consented_at) WHERE consented_at IS NOT NULL;
