CREATE TABLE users (
  id         TEXT NOT NULL PRIMARY KEY,
  email      TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL CHECK (name <> ''),
  active     INTEGER NOT NULL CHECK (active IN (0, 1)),
  role       TEXT NOT NULL CHECK (role IN ('student', 'teacher', 'admin')),
  points     INTEGER NOT NULL CHECK (points >= 0),
  score      REAL NOT NULL CHECK (score BETWEEN 0 AND 100),
  created_at TEXT NOT NULL,
  city       TEXT NOT NULL,
  bio        TEXT NOT NULL,
  settings   TEXT NOT NULL
) STRICT;
