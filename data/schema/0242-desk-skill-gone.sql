-- Attributes of skills (kind 1) and values (kind 2) that were deleted, for the
-- incremental export (src/desk/skill.c).
CREATE TABLE skill_gone (
	account_id   BIGINT NOT NULL,
	id           BIGINT NOT NULL,
	kind         BIGINT NOT NULL,
	attribute_id BIGINT NOT NULL,
	at           BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX skill_instance_came ON skill_instance (account_id, created_at, id);
CREATE INDEX skill_instance_went ON skill_instance (account_id, gone_at, id) WHERE gone_at IS NOT NULL;
