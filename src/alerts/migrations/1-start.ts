/** Times are milliseconds since the epoch, severities the index in `severities` (src/protocol/findings.ts). */
export const start = `
CREATE TABLE spools (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  last_number INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE pauses (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  container TEXT NOT NULL,
  from_at INTEGER NOT NULL,
  until_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  who TEXT NOT NULL
) STRICT;
CREATE INDEX pauses_by_container ON pauses (container, until_at);

CREATE TABLE alerts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  state TEXT NOT NULL CHECK (state IN ('open', 'acknowledged')),
  severity INTEGER NOT NULL,
  summary TEXT NOT NULL,
  container TEXT,
  container_id TEXT,
  image TEXT,
  engine TEXT,
  opened_at INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  findings INTEGER NOT NULL,
  suppressed INTEGER NOT NULL DEFAULT 0,
  flood INTEGER NOT NULL DEFAULT 0,
  cause_present INTEGER,
  cause_at INTEGER,
  previous INTEGER REFERENCES alerts (id),
  pause INTEGER REFERENCES pauses (id),
  facts TEXT NOT NULL,
  search TEXT NOT NULL,
  acknowledged_at INTEGER,
  acknowledged_by TEXT,
  acknowledged_reason TEXT
) STRICT;
CREATE INDEX alerts_by_state ON alerts (state, last_at);
CREATE INDEX alerts_by_severity ON alerts (state, severity);
CREATE INDEX alerts_by_container ON alerts (container, opened_at);
CREATE INDEX alerts_by_container_id ON alerts (container_id, state);
CREATE INDEX alerts_by_time ON alerts (last_at);

CREATE TABLE findings (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  spool INTEGER NOT NULL REFERENCES spools (id),
  number INTEGER NOT NULL,
  alert INTEGER NOT NULL REFERENCES alerts (id),
  at INTEGER NOT NULL,
  line TEXT,
  digest BLOB,
  chain BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX findings_by_number ON findings (spool, number);
CREATE INDEX findings_by_alert ON findings (alert, seq);

CREATE TABLE marks (
  mark TEXT NOT NULL,
  alert INTEGER NOT NULL REFERENCES alerts (id),
  PRIMARY KEY (mark, alert)
) STRICT, WITHOUT ROWID;

CREATE TABLE causes (
  alert INTEGER NOT NULL REFERENCES alerts (id),
  cause TEXT NOT NULL,
  PRIMARY KEY (alert, cause)
) STRICT, WITHOUT ROWID;

CREATE TABLE evidence (
  alert INTEGER NOT NULL REFERENCES alerts (id),
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  truncated INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (alert, sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE activity (
  container TEXT NOT NULL,
  bucket INTEGER NOT NULL,
  severity INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (container, bucket, severity)
) STRICT, WITHOUT ROWID;
CREATE INDEX activity_by_time ON activity (bucket);

CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  who TEXT NOT NULL,
  body TEXT NOT NULL,
  hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is only ever added to'); END;
CREATE TRIGGER journal_is_never_shortened BEFORE DELETE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is only ever added to'); END;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel TEXT NOT NULL,
  alert INTEGER REFERENCES alerts (id),
  event TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_by_channel ON outbox (channel, due_at);

CREATE TABLE channels (
  name TEXT PRIMARY KEY,
  last_ok_at INTEGER,
  failing_since INTEGER,
  failures INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  sent INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER NOT NULL DEFAULT 0
) STRICT;
`
