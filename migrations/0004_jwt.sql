-- The second key: what signs access tokens, and what renews them.

CREATE TABLE signing_keys (
    kid         TEXT   PRIMARY KEY,
    algorithm   TEXT   NOT NULL,
    private_key TEXT   NOT NULL, -- sealed with APP_SECRET, bound to its kid
    created_at  BIGINT NOT NULL,
    signs_from  BIGINT NOT NULL,
    retired_at  BIGINT
);

-- All refresh tokens of one sign-in are one family. A row outlives its use, so
-- that a token that comes back is known for what it is.
CREATE TABLE refresh_tokens (
    hash       TEXT   PRIMARY KEY,  -- SHA-256 of the token; never the token
    sign_in_id TEXT   NOT NULL REFERENCES sign_ins (id) ON DELETE CASCADE,
    scope      TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,     -- the end of the family
    used_at    BIGINT
);

CREATE INDEX refresh_tokens_sign_in ON refresh_tokens (sign_in_id);
