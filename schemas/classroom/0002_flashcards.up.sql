-- Vocabulary and flashcards.

CREATE TABLE vocabulary (
  id             TEXT NOT NULL PRIMARY KEY,
  lemma          TEXT NOT NULL CHECK (lemma <> ''),
  language       TEXT NOT NULL,
  language_name  TEXT NOT NULL,
  sense          INTEGER NOT NULL CHECK (sense >= 0),
  part_of_speech TEXT NOT NULL CHECK (part_of_speech IN ('noun', 'verb', 'adjective', 'adverb', 'phrase')),
  frequency      REAL NOT NULL CHECK (frequency BETWEEN 0 AND 1),
  embedding      BLOB CHECK (length(embedding) % 4 = 0), -- what libSQL's vector functions take: 32-bit floats
  examples       TEXT CHECK (json_valid(examples)),
  audio          BLOB,
  UNIQUE (language, lemma, sense)
) STRICT;

CREATE TABLE vocabulary_translations (
  vocabulary_id TEXT NOT NULL REFERENCES vocabulary (id) ON DELETE CASCADE,
  language      TEXT NOT NULL,
  text          TEXT NOT NULL CHECK (text <> ''),
  PRIMARY KEY (vocabulary_id, language)
) STRICT, WITHOUT ROWID;

CREATE TABLE flashcards (
  id            TEXT NOT NULL PRIMARY KEY,
  vocabulary_id TEXT NOT NULL REFERENCES vocabulary (id),
  front         TEXT NOT NULL,
  back          TEXT NOT NULL,
  hint          TEXT CHECK (hint <> ''),
  difficulty    REAL NOT NULL CHECK (difficulty BETWEEN 0 AND 1),
  suspended     INTEGER NOT NULL CHECK (suspended IN (0, 1)),
  seed          INTEGER NOT NULL,
  legacy_id     INTEGER NOT NULL,
  edited_at     TEXT NOT NULL,
  imported_at   TEXT,
  created_at    TEXT NOT NULL,
  updated_at    TEXT NOT NULL
) STRICT;

CREATE INDEX flashcards_by_vocabulary ON flashcards (vocabulary_id);

CREATE TABLE flashcard_progress (
  path          TEXT NOT NULL PRIMARY KEY,
  user_id       TEXT NOT NULL REFERENCES users (id),
  flashcard_id  TEXT NOT NULL REFERENCES flashcards (id),
  due_at        TEXT NOT NULL,
  ease          REAL,
  interval_days INTEGER NOT NULL CHECK (interval_days >= 0),
  UNIQUE (user_id, flashcard_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX flashcard_progress_by_flashcard ON flashcard_progress (flashcard_id);

CREATE TABLE flashcard_reviews (
  progress_path TEXT NOT NULL REFERENCES flashcard_progress (path) ON DELETE CASCADE,
  position      INTEGER NOT NULL,
  at            TEXT NOT NULL,
  rating        INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 4),
  took_ms       INTEGER,
  PRIMARY KEY (progress_path, position)
) STRICT;
