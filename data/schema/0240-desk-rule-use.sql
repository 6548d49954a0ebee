-- How often a rule did its work, or an agent used a macro: n times in the ten
-- minutes that begin at `at` (src/desk/use.c).
CREATE TABLE rule_use (
	account_id BIGINT NOT NULL,
	rule_id    BIGINT NOT NULL,
	at         BIGINT NOT NULL,
	n          BIGINT NOT NULL,
	PRIMARY KEY (account_id, rule_id, at)
);
