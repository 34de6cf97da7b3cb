-- Whom an operator keeps out: nobody signs in to such an account.
ALTER TABLE users ADD COLUMN blocked_at BIGINT;
