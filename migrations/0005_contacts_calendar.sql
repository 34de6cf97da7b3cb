-- What the API has to show: two small resources, each with an owner.

CREATE TABLE contacts (
    id         TEXT   PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT   NOT NULL,
    email      TEXT,
    phone      TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX contacts_user ON contacts (user_id, id);

CREATE TABLE events (
    id         TEXT   PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title      TEXT   NOT NULL,
    location   TEXT,
    starts_at  BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL
);

CREATE INDEX events_user ON events (user_id, id);
