-- Users, classes (batches) and their work.

CREATE TABLE users (
  id           TEXT NOT NULL PRIMARY KEY,
  email        TEXT NOT NULL UNIQUE CHECK (email LIKE '_%@_%'),
  name         TEXT NOT NULL,
  role         TEXT NOT NULL CHECK (role IN ('student', 'teacher', 'admin')),
  created_at   TEXT NOT NULL,
  last_seen_at TEXT,
  updated_at   TEXT NOT NULL,
  points       INTEGER NOT NULL,
  score        REAL,
  mentor_id    TEXT REFERENCES users (id),
  city         TEXT,
  bio          TEXT,
  timezone     TEXT,
  latitude     REAL CHECK (latitude BETWEEN -90 AND 90),
  longitude    REAL CHECK (longitude BETWEEN -180 AND 180),
  avatar       BLOB,
  settings     TEXT CHECK (json_valid(settings)),
  CHECK ((latitude IS NULL) = (longitude IS NULL))
) STRICT;

CREATE INDEX users_by_mentor ON users (mentor_id);

CREATE TABLE user_tags (
  user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  tag      TEXT NOT NULL,
  PRIMARY KEY (user_id, position)
) STRICT;

CREATE TABLE user_languages (
  user_id   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  language  TEXT NOT NULL,
  level     TEXT NOT NULL CHECK (level IN ('A1', 'A2', 'B1', 'B2', 'C1', 'C2')),
  certified INTEGER NOT NULL CHECK (certified IN (0, 1)),
  since     TEXT,
  PRIMARY KEY (user_id, language)
) STRICT, WITHOUT ROWID;

CREATE TABLE batches (
  id         TEXT NOT NULL PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  teacher_id TEXT NOT NULL REFERENCES users (id),
  starts_at  TEXT NOT NULL,
  ends_at    TEXT,
  capacity   INTEGER NOT NULL CHECK (capacity > 0),
  price      REAL NOT NULL CHECK (price >= 0),
  room       TEXT CHECK (json_valid(room)),
  extra      TEXT CHECK (json_valid(extra)),
  -- Text compares like time because every timestamp has the same width.
  CHECK (ends_at IS NULL OR ends_at > starts_at)
) STRICT;

CREATE INDEX batches_by_teacher ON batches (teacher_id);

CREATE TABLE batch_members (
  batch_id TEXT NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  user_id  TEXT NOT NULL REFERENCES users (id),
  PRIMARY KEY (batch_id, position),
  UNIQUE (batch_id, user_id)
) STRICT;

CREATE INDEX batch_members_by_user ON batch_members (user_id);

CREATE TABLE batch_schedule (
  batch_id TEXT NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
  weekday  TEXT NOT NULL,
  starts   TEXT NOT NULL,
  ends     TEXT NOT NULL CHECK (ends > starts),
  PRIMARY KEY (batch_id, weekday)
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks (
  id           TEXT NOT NULL PRIMARY KEY,
  batch_id     TEXT NOT NULL REFERENCES batches (id),
  title        TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
  kind         TEXT NOT NULL CHECK (kind IN ('reading', 'listening', 'writing', 'speaking', 'quiz')),
  points       INTEGER NOT NULL CHECK (points BETWEEN 0 AND 100),
  due_at       TEXT,
  published_at INTEGER NOT NULL, -- milliseconds since 1970
  follows_id   TEXT REFERENCES tasks (id),
  weights      TEXT CHECK (json_valid(weights)),
  instructions TEXT CHECK (json_valid(instructions))
) STRICT;

CREATE INDEX tasks_by_batch ON tasks (batch_id);
CREATE INDEX tasks_by_follows ON tasks (follows_id);

CREATE TABLE task_attachments (
  task_id  TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name     TEXT NOT NULL,
  size     INTEGER NOT NULL CHECK (size >= 0),
  digest   BLOB CHECK (length(digest) = 16),
  PRIMARY KEY (task_id, position)
) STRICT;

CREATE TABLE submissions (
  id           TEXT NOT NULL PRIMARY KEY,
  task_id      TEXT NOT NULL REFERENCES tasks (id),
  user_id      TEXT NOT NULL REFERENCES users (id),
  attempt      INTEGER NOT NULL CHECK (attempt > 0),
  status       TEXT NOT NULL CHECK (status IN ('draft', 'submitted', 'graded')),
  text         TEXT NOT NULL,
  submitted_at INTEGER NOT NULL, -- microseconds since 1970
  grade        REAL CHECK (grade BETWEEN 0 AND 10),
  late         INTEGER NOT NULL CHECK (late IN (0, 1)),
  checksum     BLOB,
  revision     INTEGER NOT NULL,
  answers      TEXT NOT NULL CHECK (json_valid(answers)),
  UNIQUE (task_id, user_id, attempt)
) STRICT;

CREATE INDEX submissions_by_user ON submissions (user_id);

CREATE TABLE progress (
  id         TEXT NOT NULL PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users (id),
  day        TEXT NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  minutes    INTEGER NOT NULL CHECK (minutes BETWEEN 0 AND 1440),
  streak     INTEGER,
  accuracy   REAL CHECK (accuracy BETWEEN 0 AND 1),
  mood       TEXT,
  updated_at TEXT NOT NULL,
  UNIQUE (user_id, day)
) STRICT;
