-- gate: how a person likes the desk to look; a JSON object, sealed under its user's key.
CREATE TABLE user_setting (
	account_id BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, user_id)
);
