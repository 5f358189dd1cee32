-- What was applied, and not only under which name: another text under a name of ours must not pass for it.
ALTER TABLE onbehalf_migrations ADD COLUMN checksum TEXT;
