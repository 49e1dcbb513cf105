-- Whether an alert has changed since it was read by those who tell people of it. Alerts from before are told;
-- those that a server of the build before opens are not.
ALTER TABLE alert ADD COLUMN untold boolean NOT NULL DEFAULT false;
ALTER TABLE alert ALTER COLUMN untold SET DEFAULT true;

CREATE INDEX alert_untold ON alert (job_id) WHERE untold;

CREATE TABLE alert_group (
    -- Alerts that have one cause, of which people are told together.
    id       uuid    NOT NULL PRIMARY KEY, -- UUIDv8, in the order of time
    revision bigint  NOT NULL,
    closed   boolean NOT NULL,             -- it does not change any more
    doc      text    NOT NULL              -- JSON
) WITH (fillfactor = 50);

CREATE INDEX alert_group_open ON alert_group (id) WHERE NOT closed;

CREATE TABLE alert_member (
    -- What a group has of the alert of a job.
    job_id       uuid    NOT NULL,
    rule         text    NOT NULL,
    group_id     uuid    NOT NULL, -- alert_group.id
    opened_at    bigint  NOT NULL, -- as in the table alert
    opened_nonce bigint  NOT NULL,
    failures     bigint  NOT NULL, -- that are counted in the group
    last_at      bigint  NOT NULL, -- Unix milliseconds, as all instants here
    recovered_at bigint  NOT NULL, -- 0: it is open
    withdrawn    boolean NOT NULL, -- ended since the job was paused or deleted
    PRIMARY KEY (job_id, rule)
) WITH (fillfactor = 70);

CREATE INDEX alert_member_group ON alert_member (group_id, job_id);

CREATE TABLE notification (
    -- Messages about groups, one for each channel.
    id       uuid   NOT NULL PRIMARY KEY, -- UUIDv8, in the order of time
    channel  text   NOT NULL,
    group_id uuid   NOT NULL, -- alert_group.id
    state    text   NOT NULL, -- PENDING, DELIVERED, UNDELIVERABLE or SUPERSEDED
    next_at  bigint NOT NULL, -- of the next attempt
    delivery text,            -- JSON: attempts and their outcome
    doc      text   NOT NULL  -- JSON: what it says
) WITH (fillfactor = 70);

CREATE INDEX notification_pending ON notification (id) WHERE state = 'PENDING';
CREATE INDEX notification_group ON notification (group_id, id);
