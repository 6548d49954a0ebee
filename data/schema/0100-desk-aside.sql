-- What agents keep beside their work: saved searches (of an agent), content
-- pinned to a ticket, task lists on a ticket. doc: a JSON object, sealed under
-- the row's own data key. kind: enum aside_kind.
CREATE TABLE aside (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	kind       BIGINT NOT NULL,
	data_key   BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	ticket_id  BIGINT,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX aside_user ON aside (account_id, user_id, kind, id);
CREATE INDEX aside_ticket ON aside (account_id, ticket_id, kind, id) WHERE ticket_id IS NOT NULL;

-- What others did to tickets of an agent, for thirty days; nothing of the
-- ticket is in here. verb: enum activity_verb; was, is: priorities.
CREATE TABLE activity (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	actor_id   BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	comment_id BIGINT,
	verb       BIGINT NOT NULL,
	was        BIGINT NOT NULL,
	is_now     BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX activity_user ON activity (account_id, user_id, id);
CREATE INDEX activity_age ON activity (account_id, created_at);
CREATE INDEX activity_ticket ON activity (account_id, ticket_id);
