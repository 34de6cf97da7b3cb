-- What is read often is found by an index, and what has ended has an order.

-- A refresh token is used when it has a successor: writing that down is the
-- exchange. `used_at` is kept beside it, for versions before this one.
ALTER TABLE refresh_tokens ADD COLUMN predecessor TEXT;
CREATE UNIQUE INDEX refresh_tokens_predecessor ON refresh_tokens (predecessor);

-- A sign-in with a JWT was last seen when its newest token was issued.
CREATE INDEX refresh_tokens_issued ON refresh_tokens (sign_in_id, issued_at);
DROP INDEX refresh_tokens_sign_in;

-- In which order sign-ins ended, whatever clocks say: the time, or one more
-- than the last if the time has not moved on since.
ALTER TABLE sign_ins ADD COLUMN ended_order BIGINT;
ALTER TABLE revocations ADD COLUMN ended_order BIGINT;
UPDATE sign_ins SET ended_order = ended_at WHERE ended_at IS NOT NULL;
UPDATE revocations SET ended_order = ended_at;
CREATE INDEX sign_ins_ended_order ON sign_ins (ended_order) WHERE ended_order IS NOT NULL;
CREATE INDEX revocations_ended_order ON revocations (ended_order);

CREATE INDEX sign_ins_expires ON sign_ins (expires_at);
CREATE INDEX revocations_ended ON revocations (ended_at);
CREATE INDEX email_tokens_expires ON email_tokens (expires_at);
CREATE INDEX users_email ON users (email);
