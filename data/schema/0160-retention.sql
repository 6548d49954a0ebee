-- One run of the deletion schedules that is under way, or the last one: which
-- schedule it is at, behind which ticket, how many tickets it has deleted.
CREATE TABLE retention_run (
	account_id  BIGINT NOT NULL,
	id          BIGINT NOT NULL,
	at          BIGINT NOT NULL,
	done        BIGINT NOT NULL,
	schedule_id BIGINT NOT NULL,
	after_id    BIGINT NOT NULL,
	deleted     BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);
