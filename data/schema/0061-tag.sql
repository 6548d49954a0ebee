-- Tags of tickets that are not deleted, and on how many each is: kept, not
-- counted. A tag may name a person: it is sealed under a key of its own, which
-- goes with the last ticket that has it. head_x: its first two characters.
CREATE TABLE tag (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	data_key   BIGINT NOT NULL,
	name_x     BYTEA NOT NULL,
	head_x     BYTEA NOT NULL,
	n          BIGINT NOT NULL,
	name       BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX tag_name ON tag (account_id, name_x);
CREATE INDEX tag_popular ON tag (account_id, n, id);
CREATE INDEX tag_head ON tag (account_id, head_x, n);
