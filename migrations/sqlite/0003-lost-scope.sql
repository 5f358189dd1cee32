-- What a grant covered once and lost, so that whoever asks hears of it, however late.
ALTER TABLE grants ADD COLUMN lost_scope TEXT NOT NULL DEFAULT '';
