-- What several processes would have to agree on: see the same tables in PostgreSQL.
ALTER TABLE node ADD COLUMN protocol INTEGER NOT NULL DEFAULT 1;
ALTER TABLE node ADD COLUMN settings TEXT NOT NULL DEFAULT ''; -- hashes of them; '': it does not say

CREATE TABLE protocol (
    one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL -- which every process on the database speaks
) STRICT;

INSERT INTO protocol VALUES (1, 1);
