-- The local door. Apart from the accounts: not everybody has a password, and
-- nothing that lists people ever reads a hash.

CREATE TABLE passwords (
    user_id    TEXT   PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    email      TEXT   NOT NULL UNIQUE, -- what is typed to sign in, normalised
    hash       TEXT   NOT NULL,        -- argon2id, as a PHC string
    changed_at BIGINT NOT NULL
);
