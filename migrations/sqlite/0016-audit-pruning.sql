-- The rows that say up to where the log was pruned. Its check begins at the newest one, and must find it without reading all.
CREATE INDEX audit_prunings ON audit (seq) WHERE action = 'audit.pruned';
