-- Sign-ins as they went over the wire, for their owners to read. Secrets were
-- taken out before anything came here.
CREATE TABLE traces (
    id         TEXT   PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    door       TEXT   NOT NULL, -- 'password', or 'oauth:' and the provider
    carries    TEXT   NOT NULL, -- 'session' or 'jwt'
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    exchanges  BIGINT NOT NULL, -- requests and their answers
    bytes      BIGINT NOT NULL, -- of all of them, both ways
    micros     BIGINT NOT NULL, -- from the first byte to the last
    record     TEXT   NOT NULL  -- JSON
);

CREATE INDEX traces_user ON traces (user_id, id);
CREATE INDEX traces_expires ON traces (expires_at);
