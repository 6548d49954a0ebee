-- flow: what leaves the house. doc holds sealed bytes under key_id, a key per
-- message; it is NULL once key_id is destroyed. *_x are blind indexes.

-- kind 1 mail, 2 webhook; state 1 queued, 2 sending, 3 retry, 4 held, 5 sent, 6 dead, 7 dropped.
-- stage 1: the last byte of this try may have left. content 1: doc holds what a person wrote.
CREATE TABLE outbox (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	kind       BIGINT NOT NULL,
	state      BIGINT NOT NULL,
	event      TEXT NOT NULL,
	cause      TEXT,
	ticket_id  BIGINT,
	comment_id BIGINT,
	user_id    BIGINT,
	webhook_id BIGINT,
	automatic  BIGINT NOT NULL,
	content    BIGINT NOT NULL,
	attempts   BIGINT NOT NULL DEFAULT 0,
	stage      BIGINT NOT NULL DEFAULT 0,
	uncertain  BIGINT NOT NULL DEFAULT 0,
	status     BIGINT NOT NULL DEFAULT 0,
	reason     TEXT,
	created_at BIGINT NOT NULL,
	due_at     BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	to_x       BYTEA,
	doc        BYTEA,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX outbox_due ON outbox (account_id, kind, due_at, id) WHERE state IN (1, 3);
CREATE INDEX outbox_state ON outbox (account_id, state, id);
CREATE INDEX outbox_ticket ON outbox (account_id, ticket_id, id) WHERE ticket_id IS NOT NULL;
CREATE INDEX outbox_to ON outbox (account_id, to_x, created_at) WHERE to_x IS NOT NULL;
CREATE INDEX outbox_webhook ON outbox (account_id, webhook_id, id) WHERE webhook_id IS NOT NULL;
CREATE INDEX outbox_old ON outbox (account_id, updated_at, id) WHERE state >= 5;

-- Where something may go. kind 1: a recipient ("*", a domain, an address);
-- 2: a webhook's host ("host" or "host:port"). content 1: open for content.
CREATE TABLE destination (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	kind       BIGINT NOT NULL,
	content    BIGINT NOT NULL,
	plain_http BIGINT NOT NULL DEFAULT 0,
	pattern_x  BYTEA NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX destination_pattern ON destination (account_id, kind, pattern_x);

-- How mail leaves; one row.
CREATE TABLE flow_conf (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);

-- Addresses whose mail came back for good.
CREATE TABLE bounced (
	account_id BIGINT NOT NULL,
	address_x  BYTEA NOT NULL,
	outbox_id  BIGINT NOT NULL,
	at         BIGINT NOT NULL,
	PRIMARY KEY (account_id, address_x)
);
