CREATE TABLE move (
    -- What a copy to or from another database has made of this one. Without a row it has made
    -- nothing, or has ended.
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    state TEXT    NOT NULL, -- FILLING: a copy into it has not ended; MOVED: what is here is elsewhere
    copy  TEXT    NOT NULL, -- which copy; both databases have the same
    peer  TEXT    NOT NULL, -- the other database
    stamp TEXT    NOT NULL, -- of the source's shards, when the copy began
    at    INTEGER NOT NULL  -- Unix milliseconds
) STRICT;
