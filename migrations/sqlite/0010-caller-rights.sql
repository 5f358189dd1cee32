-- A keyed hash of what a caller may do, see and for how long, so that a row that was widened by hand is not believed. The
-- first opening after this migration writes it into the rows that are there, and says so by an event.
ALTER TABLE callers ADD COLUMN rights_mac BLOB;
