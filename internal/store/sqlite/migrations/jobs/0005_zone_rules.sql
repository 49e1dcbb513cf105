CREATE TABLE zone_rules (
    -- By which rules of a time zone fires were computed: a row for each zone that
    -- a job has had, and one more for each change of its rules. What was fired
    -- before a change is found by the rules of its time.
    zone       TEXT    NOT NULL,
    valid_from INTEGER NOT NULL, -- Unix milliseconds; 0: the first that are known
    release    TEXT    NOT NULL, -- of the IANA database, or a digest
    data       BLOB    NOT NULL, -- the compiled zone (RFC 9636)
    PRIMARY KEY (zone, valid_from)
) WITHOUT ROWID, STRICT;
