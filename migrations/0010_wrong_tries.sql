-- Wrong passwords and codes, counted for all instances together. A row is only
-- there where somebody was wrong, and goes when it no longer counts.
CREATE TABLE wrong_tries (
    account    TEXT   NOT NULL, -- a hash of what was typed: it may be anything
    address    TEXT   NOT NULL, -- the network that it came from; '' counts them all
    used_until BIGINT NOT NULL, -- when all tries are there again
    PRIMARY KEY (account, address)
);

CREATE INDEX wrong_tries_used_until ON wrong_tries (used_until);
