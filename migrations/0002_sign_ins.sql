-- One row for each sign-in, whichever key it carries, so that all of them can
-- be listed and ended in one place.

CREATE TABLE sign_ins (
    id               TEXT   PRIMARY KEY,
    user_id          TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    carries          TEXT   NOT NULL, -- 'session' or 'jwt'
    door             TEXT   NOT NULL, -- 'password' or 'oauth:<provider>'
    session_hash     TEXT   UNIQUE,   -- SHA-256 of the session id; never the id
    user_agent       TEXT   NOT NULL,
    address          TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL, -- when the person last proved who they are
    last_seen_at     BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL, -- the absolute end
    ended_at         BIGINT
);

CREATE INDEX sign_ins_user ON sign_ins (user_id);
CREATE INDEX sign_ins_ended ON sign_ins (ended_at) WHERE ended_at IS NOT NULL;
