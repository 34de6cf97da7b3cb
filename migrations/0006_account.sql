-- What happened to accounts, and the letters that prove an address.

-- The audit trail outlives the account: then nothing in it is personal any more.
CREATE TABLE audit_events (
    id      TEXT   PRIMARY KEY,
    at      BIGINT NOT NULL,
    kind    TEXT   NOT NULL,
    user_id TEXT   REFERENCES users (id) ON DELETE SET NULL,
    actor   TEXT   NOT NULL, -- 'person', 'administrator', 'operator' or 'nobody'
    detail  TEXT   NOT NULL,
    address TEXT
);

CREATE INDEX audit_events_user ON audit_events (user_id, id);
CREATE INDEX audit_events_at ON audit_events (at);

-- Links in e-mails: single-use, short-lived, kept as hashes.
CREATE TABLE email_tokens (
    hash       TEXT   PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose    TEXT   NOT NULL, -- 'verify' or 'reset'
    email      TEXT   NOT NULL, -- the address that the letter went to
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);

CREATE INDEX email_tokens_user ON email_tokens (user_id);

-- Sign-ins whose account is gone: their JWTs are refused until they expire.
CREATE TABLE revocations (
    sign_in_id TEXT   PRIMARY KEY,
    ended_at   BIGINT NOT NULL
);
