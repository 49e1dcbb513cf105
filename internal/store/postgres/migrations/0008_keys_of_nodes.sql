-- The ids of the encryption keys of a process, the one that seals first. NULL: it does not say.
ALTER TABLE node ADD COLUMN keys text;
