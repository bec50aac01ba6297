-- What a session may use. One configuration is active; the others are kept to look back at.
CREATE TABLE usage_config (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE,
  active       INTEGER NOT NULL DEFAULT 0 CHECK (active IN (0, 1)),
  plan         TEXT NOT NULL DEFAULT 'free' CHECK (plan IN ('free', 'team', 'enterprise')),
  token_limit  INTEGER NOT NULL DEFAULT 100000 CHECK (token_limit BETWEEN 0 AND 10000000),
  warn_percent REAL NOT NULL DEFAULT 80.0 CHECK (warn_percent > 0 AND warn_percent <= 100),
  updated_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

-- At most one row with 1.
CREATE UNIQUE INDEX usage_config_active ON usage_config (active) WHERE active = 1;

CREATE TRIGGER usage_config_updated AFTER UPDATE ON usage_config
WHEN new.updated_at IS old.updated_at
BEGIN
  UPDATE usage_config SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE id = new.id;
END;

INSERT INTO usage_config (name, active) VALUES ('default', 1);

-- What a session had used at a moment; gone with its session.
CREATE TABLE usage_snapshots (
  id         INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  config_id  INTEGER NOT NULL DEFAULT 1 REFERENCES usage_config (id) ON DELETE RESTRICT,
  tokens     INTEGER NOT NULL CHECK (tokens >= 0),
  taken_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

CREATE INDEX usage_snapshots_by_session ON usage_snapshots (session_id, taken_at);
CREATE INDEX usage_snapshots_by_config ON usage_snapshots (config_id);
