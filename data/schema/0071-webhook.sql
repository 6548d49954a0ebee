-- flow: webhooks and what became of their calls. uid is the id that clients see.
CREATE TABLE webhook (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	uid        TEXT NOT NULL,
	key_id     BIGINT NOT NULL,
	active     BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	created_by BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	updated_by BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX webhook_uid ON webhook (account_id, uid);

-- One call of one message of the outbox; doc is sealed under the message's key.
CREATE TABLE webhook_attempt (
	account_id   BIGINT NOT NULL,
	id           BIGINT NOT NULL,
	outbox_id    BIGINT NOT NULL,
	status       BIGINT NOT NULL,
	ended        BIGINT NOT NULL,
	completed_at BIGINT NOT NULL,
	reason       TEXT,
	doc          BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX webhook_attempt_outbox ON webhook_attempt (account_id, outbox_id, id);
