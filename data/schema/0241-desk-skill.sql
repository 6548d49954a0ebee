-- Which skill an agent has (kind 1) or a ticket asks for (kind 2), from
-- created_at to gone_at (src/desk/skill.c). value_id: a rule of kind 9.
-- priority: 1, it is high. gone rows stay for the incremental export.
CREATE TABLE skill_instance (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	kind       BIGINT NOT NULL,
	of_id      BIGINT NOT NULL,
	value_id   BIGINT NOT NULL,
	priority   BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	gone_at    BIGINT,
	PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX skill_instance_of ON skill_instance (account_id, kind, of_id, value_id) WHERE gone_at IS NULL;
CREATE INDEX skill_instance_value ON skill_instance (account_id, value_id) WHERE gone_at IS NULL;
