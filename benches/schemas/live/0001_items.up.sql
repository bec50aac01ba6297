CREATE TABLE items (
  id TEXT NOT NULL PRIMARY KEY,
  number INTEGER NOT NULL,
  title TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  active INTEGER NOT NULL,
  score REAL NOT NULL,
  created_at TEXT NOT NULL,
  owner TEXT NOT NULL,
  latitude REAL,
  longitude REAL,
  address TEXT NOT NULL,
  tags TEXT NOT NULL
) STRICT;
