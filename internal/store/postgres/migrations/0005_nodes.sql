CREATE TABLE node (
    -- One row for each process on this database.
    token    bigint  NOT NULL PRIMARY KEY, -- random for each start of a process
    name     text    NOT NULL,
    address  text    NOT NULL, -- where other nodes reach it
    build    text    NOT NULL,
    role     text    NOT NULL,
    draining boolean NOT NULL,
    seen     bigint  NOT NULL  -- Unix milliseconds
);
