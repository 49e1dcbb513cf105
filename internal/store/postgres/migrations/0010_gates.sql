-- What all nodes understand of each other. A build speaks all protocols up to its own; one that does not
-- say so speaks the first. The number rises when every node that is there speaks it.
ALTER TABLE cluster ADD COLUMN protocol integer NOT NULL DEFAULT 1;
ALTER TABLE node ADD COLUMN protocol integer NOT NULL DEFAULT 1;
-- Hashes of the settings that must be the same at all nodes. NULL: it does not say.
ALTER TABLE node ADD COLUMN settings text;
