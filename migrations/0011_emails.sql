-- E-mails that wait to be handed over to a mail server, or were given up.

CREATE TABLE emails (
    id          TEXT   PRIMARY KEY, -- part of the Message-ID, whichever try it is
    user_id     TEXT   REFERENCES users (id) ON DELETE CASCADE,
    sealed      TEXT   NOT NULL,    -- to whom and what, with its link: sealed with APP_SECRET
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,    -- afterwards nobody has any use for it
    tries       BIGINT NOT NULL,
    next_try_at BIGINT NOT NULL,
    given_up_at BIGINT,
    trouble     TEXT
);

CREATE INDEX emails_next_try_at ON emails (next_try_at) WHERE given_up_at IS NULL;
CREATE INDEX emails_given_up_at ON emails (given_up_at);
CREATE INDEX emails_user_id ON emails (user_id);
