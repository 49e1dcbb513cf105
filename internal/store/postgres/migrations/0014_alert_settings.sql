-- What is configured about alerts. Servers of the build before do not know these tables, and tell only the channels
-- of their settings.
CREATE TABLE alert_setting (
    kind     text   NOT NULL, -- CHANNEL, RULE, SILENCE or WINDOW
    id       text   NOT NULL,
    revision bigint NOT NULL, -- that of alert_settings after the change
    body     text   NOT NULL, -- JSON
    secrets  text,            -- JSON, sealed; NULL: it has none
    PRIMARY KEY (kind, id)
);

CREATE TABLE alert_settings (
    -- Who has read the settings knows by this number whether they have changed. Each change locks the row first.
    one      integer NOT NULL PRIMARY KEY CHECK (one = 1),
    revision bigint  NOT NULL
);

INSERT INTO alert_settings VALUES (1, 0);

-- What waits for a channel, in the order in which it is due: many messages that wait for another attempt do not hide
-- one that is due.
CREATE INDEX notification_due ON notification (channel, next_at, id) WHERE state = 'PENDING';

CREATE INDEX notification_channel ON notification (channel, id);
