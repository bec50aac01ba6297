CREATE TABLE sessions (
  id          TEXT NOT NULL PRIMARY KEY,
  workspace   TEXT NOT NULL,
  title       TEXT NOT NULL,
  owner       TEXT NOT NULL,
  started_at  TEXT NOT NULL,
  ended_at    TEXT,
  tokens      INTEGER NOT NULL CHECK (tokens >= 0),
  temperature REAL,
  archived    INTEGER NOT NULL CHECK (archived IN (0, 1)),
  metadata    TEXT CHECK (json_valid(metadata)),
  extra       TEXT CHECK (json_valid(extra))
) STRICT;

CREATE INDEX sessions_by_workspace ON sessions (workspace, started_at);

CREATE TABLE messages (
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  position   INTEGER NOT NULL,
  role       TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
  content    TEXT NOT NULL,
  at         TEXT NOT NULL,
  PRIMARY KEY (session_id, position)
) STRICT;
