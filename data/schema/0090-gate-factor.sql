-- Second factors of sign-in. secret: sealed under the user's key. last_step:
-- the time step (RFC 6238) of the last code taken, so that none works twice.
CREATE TABLE factor (
	account_id   BIGINT NOT NULL,
	user_id      BIGINT NOT NULL,
	kind         BIGINT NOT NULL,    -- 1: TOTP
	confirmed_at BIGINT,
	last_step    BIGINT NOT NULL,
	created_at   BIGINT NOT NULL,
	secret       BYTEA NOT NULL,
	PRIMARY KEY (account_id, user_id, kind),
	FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id)
);

-- hash: keyed hash of the code, which itself is kept nowhere; a used one goes.
CREATE TABLE recovery_code (
	account_id BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	hash       BYTEA NOT NULL,
	PRIMARY KEY (account_id, user_id, hash),
	FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id)
);

-- 1: the session began with a second factor, or its user needs none.
ALTER TABLE session ADD COLUMN factored BIGINT NOT NULL DEFAULT 0;
