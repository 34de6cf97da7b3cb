-- Services at providers that people let Latchkey use for them.
-- A row outlives the account until its tokens are revoked at the provider: then
-- nothing in it is personal any more but the sealed tokens.

CREATE TABLE connections (
    id               TEXT   PRIMARY KEY,
    user_id          TEXT   REFERENCES users (id) ON DELETE SET NULL,
    provider         TEXT   NOT NULL,
    issuer           TEXT   NOT NULL,
    subject          TEXT   NOT NULL, -- whose services they are, at the issuer
    name             TEXT   NOT NULL,
    email            TEXT,
    asked            TEXT   NOT NULL, -- scopes, with blanks between
    granted          TEXT   NOT NULL,
    access_token     TEXT   NOT NULL, -- sealed with APP_SECRET, bound to this row and column
    refresh_token    TEXT,            -- likewise
    sealed_with      TEXT   NOT NULL, -- which of the secrets of APP_SECRET
    expires_at       BIGINT,          -- the access token's end, where the provider says one
    connected_at     BIGINT NOT NULL,
    used_at          BIGINT,
    refreshed_at     BIGINT,
    trouble_at       BIGINT,          -- when the provider last failed, until it works again
    trouble          TEXT,
    broken_at        BIGINT,          -- the grant is over: the person has to connect again
    broken_because   TEXT,
    superseded_at    BIGINT,          -- a later grant of the same account is used instead
    disconnecting_at BIGINT,          -- to be revoked at the provider, then forgotten
    tries            BIGINT NOT NULL,
    next_try_at      BIGINT,
    version          BIGINT NOT NULL, -- counts what was written to the tokens
    leased_by        TEXT,            -- whoever speaks to the provider about these tokens
    leased_until     BIGINT
);

-- One living connection of a person at a provider.
CREATE UNIQUE INDEX connections_current ON connections (user_id, provider)
    WHERE superseded_at IS NULL AND disconnecting_at IS NULL;
CREATE INDEX connections_user ON connections (user_id, provider);
CREATE INDEX connections_due ON connections (next_try_at) WHERE disconnecting_at IS NOT NULL;
CREATE INDEX connections_sealed_with ON connections (sealed_with);
