-- Tickets that agents keep at hand; nothing of the ticket is in here.
CREATE TABLE bookmark (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX bookmark_pair ON bookmark (account_id, user_id, ticket_id);
