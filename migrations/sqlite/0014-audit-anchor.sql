-- Which earlier row the keyed hash of a row covers, with that row's link. A link needs no key: whoever takes a row out can
-- make all later ones anew, and would get away with it.
ALTER TABLE audit ADD COLUMN anchor INTEGER;
