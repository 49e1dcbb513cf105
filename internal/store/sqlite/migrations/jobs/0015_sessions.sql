-- Sessions of browsers that were ended before their time. Everything else about a session is in
-- its cookie. A row goes once the session would have ended by itself.
CREATE TABLE ended_session (
    id         BLOB    NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ended_session_expires ON ended_session (expires_at);
