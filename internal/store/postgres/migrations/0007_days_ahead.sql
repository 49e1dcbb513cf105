-- Tables are made for days to come; who reads the history looks into those of days that are used.
ALTER TABLE day ADD COLUMN used boolean NOT NULL DEFAULT true;
