-- What is configured about alerts.
CREATE TABLE alert_setting (
    kind     TEXT    NOT NULL, -- CHANNEL, RULE, SILENCE or WINDOW
    id       TEXT    NOT NULL,
    revision INTEGER NOT NULL, -- that of alert_settings after the change
    body     TEXT    NOT NULL, -- JSON
    secrets  TEXT,             -- JSON, sealed; NULL: it has none
    PRIMARY KEY (kind, id)
) WITHOUT ROWID, STRICT;

CREATE TABLE alert_settings (
    -- Who has read the settings knows by this number whether they have changed.
    one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL
) STRICT;

INSERT INTO alert_settings VALUES (1, 0);

-- What waits for a channel, in the order in which it is due: many messages that wait for another attempt do not hide
-- one that is due.
CREATE INDEX notification_due ON notification (channel, next_at, id) WHERE state = 'PENDING';

CREATE INDEX notification_channel ON notification (channel, id);
