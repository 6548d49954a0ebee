-- Secure links: one public comment, read by who has the link and a second
-- proof. hash: of the link's token. proof: 1 a code by mail, 2 something that
-- both know; answer and code are keyed hashes. A pass is what a browser holds
-- after the proof; it lives minutes.
CREATE TABLE secure_link (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	comment_id BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	author_id  BIGINT NOT NULL,
	hash       BYTEA NOT NULL,
	proof      BIGINT NOT NULL,
	question   BIGINT NOT NULL,
	answer     BYTEA,
	code       BYTEA,
	code_until BIGINT NOT NULL,
	tries      BIGINT NOT NULL,
	views      BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	revoked_at BIGINT,
	viewed_at  BIGINT,
	PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX secure_link_hash ON secure_link (account_id, hash);
CREATE INDEX secure_link_ticket ON secure_link (account_id, ticket_id, id);

CREATE TABLE secure_pass (
	account_id BIGINT NOT NULL,
	hash       BYTEA NOT NULL,
	link_id    BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, hash)
);
CREATE INDEX secure_pass_link ON secure_pass (account_id, link_id);
