-- Sign-in by a link in a mail, for requesters: hash of the link's token and of
-- the code that the page showed to who asked for it. Minutes old at most.
CREATE TABLE login_link (
	account_id BIGINT NOT NULL,
	hash       BYTEA NOT NULL,
	user_id    BIGINT NOT NULL,
	code       BYTEA NOT NULL,
	tries      BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, hash),
	FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id)
);
CREATE INDEX login_link_old ON login_link (account_id, expires_at);
CREATE INDEX login_link_user ON login_link (account_id, user_id);
