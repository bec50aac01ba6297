CREATE TABLE sessions (
  id         TEXT NOT NULL PRIMARY KEY,
  title      TEXT NOT NULL,
  started_at TEXT NOT NULL
) STRICT;
