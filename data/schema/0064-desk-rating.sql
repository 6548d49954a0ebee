-- What requesters said of a solved ticket: one per ticket; the words are in the
-- ticket's own doc. score: 0 bad, 1 good. Agents who passed a ticket by.
CREATE TABLE satisfaction_rating (
	account_id   BIGINT NOT NULL,
	id           BIGINT NOT NULL,
	ticket_id    BIGINT NOT NULL,
	requester_id BIGINT NOT NULL,
	assignee_id  BIGINT,
	group_id     BIGINT,
	score        BIGINT NOT NULL,
	reason_code  BIGINT NOT NULL,
	has_comment  BIGINT NOT NULL,
	created_at   BIGINT NOT NULL,
	updated_at   BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX satisfaction_rating_ticket ON satisfaction_rating (account_id, ticket_id);

CREATE TABLE ticket_skip (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	data_key   BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	reason     BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX ticket_skip_ticket ON ticket_skip (account_id, ticket_id, id);
CREATE INDEX ticket_skip_user ON ticket_skip (account_id, user_id, id);
