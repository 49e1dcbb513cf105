CREATE TABLE move (
    -- What a copy to or from another database has made of this one. Without a row it has made nothing, or
    -- has ended.
    one   boolean NOT NULL PRIMARY KEY CHECK (one),
    state text    NOT NULL, -- FILLING: a copy into it has not ended; MOVED: what is here is elsewhere
    copy  text    NOT NULL, -- which copy; both databases have the same
    peer  text    NOT NULL, -- the other database
    stamp text    NOT NULL, -- of the source's shards, when the copy began
    at    bigint  NOT NULL  -- Unix milliseconds
);

-- Nobody claims a shard of such a database, not even a process that was started before the copy. The row of the
-- shard is locked by then, and a copy locks all of them before it writes the row above.
CREATE FUNCTION refuse_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM move) THEN
        RAISE EXCEPTION 'the database was copied, or a copy into it has not ended'
              USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER shard_claimed BEFORE UPDATE ON shard FOR EACH ROW
  WHEN (NEW.epoch <> OLD.epoch AND NEW.node <> 0) EXECUTE FUNCTION refuse_claim();
