-- gate: custom roles of agents. limits: bits of enum role_limit, what the role takes away; sees: its ticket_access as
-- users.sees. The role as people wrote it is a definition of desk, with the same id.
CREATE TABLE custom_role (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	limits     BIGINT NOT NULL,
	sees       BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);
ALTER TABLE users ADD COLUMN custom_role_id BIGINT;
CREATE INDEX users_custom_role ON users (account_id, custom_role_id) WHERE custom_role_id IS NOT NULL;
