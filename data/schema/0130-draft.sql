-- What an agent began to write to a ticket, sealed under the ticket's data key.
-- noted_at: when the trail was last told that it changed.
CREATE TABLE draft (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	is_public  BIGINT NOT NULL,
	version    BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	noted_at   BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX draft_pair ON draft (account_id, ticket_id, user_id);
CREATE INDEX draft_age ON draft (account_id, updated_at);
