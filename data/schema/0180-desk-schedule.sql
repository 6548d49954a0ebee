-- Hours that changed while targets ran, until every ticket that went by them is
-- settled (src/desk/schedule.c). hours: those before, without names: zone, week,
-- days off; empty: all hours counted. after_id: tickets up to it are done.
CREATE TABLE schedule_change (
	account_id  BIGINT NOT NULL,
	id          BIGINT NOT NULL,
	schedule_id BIGINT NOT NULL,
	was_default BIGINT NOT NULL,
	at          BIGINT NOT NULL,
	after_id    BIGINT NOT NULL,
	settled     BIGINT NOT NULL,
	hours       TEXT NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX sla_target_running ON sla_target (account_id, ticket_id) WHERE state = 1 AND business = 1;
