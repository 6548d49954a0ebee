-- A new password by a link in a mail: hash of the link's token, and what the
-- link was made for (the password and the address of then), so that a change
-- of either ends it. Half an hour old at most.
CREATE TABLE password_reset (
	account_id BIGINT NOT NULL,
	hash       BYTEA NOT NULL,
	user_id    BIGINT NOT NULL,
	bound      BYTEA NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, hash),
	FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id)
);
CREATE INDEX password_reset_old ON password_reset (account_id, expires_at);
CREATE INDEX password_reset_user ON password_reset (account_id, user_id);
