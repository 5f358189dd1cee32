-- When the consent ends, whatever is done, as the provider announced it.
ALTER TABLE grants ADD COLUMN consent_expires_at INTEGER;

-- For those who look for grants that nobody used for long: client by client, so that grants of a client that is not
-- configured are not gone through to find those of another.
DROP INDEX grants_by_exchange;
CREATE INDEX grants_by_exchange ON grants (client_id, access_issued_at, grant_id)
  WHERE state = 'active' AND refresh_sealed IS NOT NULL;
CREATE INDEX grants_by_half_life ON grants (client_id, (access_issued_at + refresh_expires_at), grant_id)
  WHERE state = 'active' AND refresh_sealed IS NOT NULL AND refresh_expires_at IS NOT NULL;
