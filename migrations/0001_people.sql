-- People, and the ways in which they prove who they are.
-- Written once for SQLite and PostgreSQL: ids are UUIDs as text, times are
-- milliseconds since the Unix epoch, and a time that is null has not come.

CREATE TABLE users (
    id                TEXT   PRIMARY KEY,
    name              TEXT   NOT NULL,
    email             TEXT,
    email_verified_at BIGINT,
    roles             TEXT   NOT NULL,
    created_at        BIGINT NOT NULL
);

-- An address that was proved belongs to one account; one that was only typed
-- is a claim that anybody can make.
CREATE UNIQUE INDEX users_verified_email ON users (email) WHERE email_verified_at IS NOT NULL;

-- Who somebody is at a provider. The key is what the issuer promises never to
-- change and never to give to somebody else; never an e-mail, never a login name.
CREATE TABLE identities (
    issuer       TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    user_id      TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider     TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    email        TEXT,
    linked_at    BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE INDEX identities_user ON identities (user_id);
