CREATE TABLE idempotency (
    -- One row for each request with an Idempotency-Key of the last 24 hours: what it
    -- made, so that the same request is answered again and not carried out again.
    -- What it takes is bounded; idempotency_use has the sums.
    key          BLOB    NOT NULL PRIMARY KEY, -- hash of the caller and the key that he sent
    caller       TEXT    NOT NULL,             -- api_key.id; or env, loopback, anonymous
    fingerprint  BLOB    NOT NULL,             -- hash of what was asked for
    at           INTEGER NOT NULL,             -- of the first request, Unix milliseconds
    job_id       BLOB,                         -- that was made or triggered
    execution_id BLOB,                         -- that was started
    key_id       TEXT,                         -- of the API key that was made
    items        INTEGER NOT NULL,             -- of an import: that were read up to the last commit
    digest       BLOB,                         -- of their texts
    done         INTEGER NOT NULL,             -- of an import: 1 when it has ended
    status       INTEGER NOT NULL,             -- of a refusal; 0: it was not refused
    refusal      BLOB,                         -- the answer then
    bytes        INTEGER NOT NULL              -- of the limits
) WITHOUT ROWID, STRICT;

CREATE INDEX idempotency_at ON idempotency (at);

CREATE TABLE idempotency_use (
    -- How much the rows of a caller take; '': of all. The triggers keep it.
    caller TEXT    NOT NULL PRIMARY KEY,
    bytes  INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TRIGGER idempotency_added AFTER INSERT ON idempotency BEGIN
    INSERT INTO idempotency_use (caller, bytes) VALUES (new.caller, new.bytes), ('', new.bytes)
        ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER idempotency_removed AFTER DELETE ON idempotency BEGIN
    UPDATE idempotency_use SET bytes = bytes - old.bytes WHERE caller IN (old.caller, '');
    DELETE FROM idempotency_use WHERE caller = old.caller AND bytes <= 0;
END;
