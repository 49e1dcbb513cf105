-- Which process owns what. SQLite has one process at a time; a database of many has the same.

ALTER TABLE open_run ADD COLUMN runner    INTEGER NOT NULL DEFAULT 0; -- the process that carries it out; 0: nobody
ALTER TABLE open_run ADD COLUMN run_until INTEGER NOT NULL DEFAULT 0; -- after it another may take it over; 0: unknown

ALTER TABLE shard ADD COLUMN node    INTEGER NOT NULL DEFAULT 0; -- the process that owns it, or was the last to; 0: none
ALTER TABLE shard ADD COLUMN applied INTEGER NOT NULL DEFAULT 0; -- the revision that the owner had loaded at its last beat

-- A shard that nobody has owned is free.
UPDATE shard SET released = 1 WHERE epoch = 0;

CREATE TABLE node (
    token    INTEGER NOT NULL PRIMARY KEY, -- random for each start of a process
    name     TEXT    NOT NULL,
    address  TEXT    NOT NULL,
    build    TEXT    NOT NULL,
    role     TEXT    NOT NULL,
    draining INTEGER NOT NULL,
    seen     INTEGER NOT NULL
) STRICT;
