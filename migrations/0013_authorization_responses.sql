-- The answers of providers that have come: each counts once, whichever process
-- it comes to. A row is worth nothing ten minutes later.

CREATE TABLE authorization_responses (
    state_hash TEXT   PRIMARY KEY, -- SHA-256 of the state
    came_at    BIGINT NOT NULL
);

CREATE INDEX authorization_responses_came ON authorization_responses (came_at);
