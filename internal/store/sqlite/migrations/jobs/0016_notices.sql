-- What people are told of alerts.
ALTER TABLE carried_alert ADD COLUMN untold INTEGER NOT NULL DEFAULT 0; -- as in the files of the history

CREATE TABLE alert_group (
    -- Alerts that have one cause, of which people are told together.
    id       BLOB    NOT NULL PRIMARY KEY, -- UUIDv8, in the order of time
    revision INTEGER NOT NULL,
    closed   INTEGER NOT NULL,             -- 1: it does not change any more
    doc      TEXT    NOT NULL              -- JSON
) WITHOUT ROWID, STRICT;

CREATE INDEX alert_group_open ON alert_group (id) WHERE closed = 0;

CREATE TABLE alert_member (
    -- What a group has of the alert of a job.
    job_id       BLOB    NOT NULL,
    rule         TEXT    NOT NULL,
    group_id     BLOB    NOT NULL, -- alert_group.id
    opened_by    INTEGER NOT NULL, -- as in the table alert
    opened_nonce INTEGER NOT NULL,
    failures     INTEGER NOT NULL, -- that are counted in the group
    last_at      INTEGER NOT NULL, -- Unix milliseconds, as all instants here
    recovered_at INTEGER NOT NULL, -- 0: it is open
    withdrawn    INTEGER NOT NULL, -- 1: ended since the job was paused or deleted
    PRIMARY KEY (job_id, rule)
) WITHOUT ROWID, STRICT;

CREATE INDEX alert_member_group ON alert_member (group_id, job_id);

CREATE TABLE notification (
    -- Messages about groups, one for each channel. The view "notifications" shows them for people.
    id       BLOB    NOT NULL PRIMARY KEY, -- UUIDv8, in the order of time
    channel  TEXT    NOT NULL,
    group_id BLOB    NOT NULL, -- alert_group.id
    state    TEXT    NOT NULL, -- PENDING, DELIVERED, UNDELIVERABLE or SUPERSEDED
    next_at  INTEGER NOT NULL, -- of the next attempt
    delivery TEXT,             -- JSON: attempts and their outcome
    doc      TEXT    NOT NULL  -- JSON: what it says
) WITHOUT ROWID, STRICT;

CREATE INDEX notification_pending ON notification (id) WHERE state = 'PENDING';

CREATE INDEX notification_group ON notification (group_id, id);

CREATE VIEW notifications AS
SELECT lower(substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || substr(hex(id), 13, 4) || '-' ||
             substr(hex(id), 17, 4) || '-' || substr(hex(id), 21)) AS id,
       channel,
       lower(substr(hex(group_id), 1, 8) || '-' || substr(hex(group_id), 9, 4) || '-' ||
             substr(hex(group_id), 13, 4) || '-' || substr(hex(group_id), 17, 4) || '-' || substr(hex(group_id), 21))
           AS group_id,
       state, strftime('%Y-%m-%dT%H:%M:%fZ', next_at / 1000.0, 'unixepoch') AS next_at, delivery, doc
  FROM notification;
