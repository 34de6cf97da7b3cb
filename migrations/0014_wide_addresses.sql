-- Addresses with other characters than ASCII's, which each start looks for: none, as a
-- rule, and then nothing is read.
CREATE INDEX wide_user_emails ON users (email) WHERE OCTET_LENGTH(email) > LENGTH(email);
CREATE INDEX wide_password_emails ON passwords (email) WHERE OCTET_LENGTH(email) > LENGTH(email);
