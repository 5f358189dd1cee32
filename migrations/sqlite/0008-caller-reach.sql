-- What a caller may see, besides what it may do; its key before the last rotation, for as long as that still works; and
-- when it was heard of last. Selectors name the app's own users, so they are sealed. NULL: every grant, every provider.
ALTER TABLE callers ADD COLUMN grants_sealed BLOB;
ALTER TABLE callers ADD COLUMN providers TEXT;
ALTER TABLE callers ADD COLUMN previous_hash BLOB;
ALTER TABLE callers ADD COLUMN previous_until INTEGER;
ALTER TABLE callers ADD COLUMN last_used_at INTEGER;

-- Who could take an external id from another grant so far may still do so: it is a permission of its own from now on.
UPDATE callers SET permissions = replace(permissions, '"grants:create"', '"grants:create","grants:move"');
