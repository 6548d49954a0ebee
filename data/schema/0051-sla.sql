-- SLA targets of tickets. state 1 running, 2 paused, 3 reached. Times in
-- microseconds; spent: before `since`, in the target's own kind of hours.
-- due_at: when it is breached, if it goes on running.
CREATE TABLE sla_target (
	account_id BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	metric     BIGINT NOT NULL,
	policy_id  BIGINT NOT NULL,
	target     BIGINT NOT NULL,
	business   BIGINT NOT NULL,
	state      BIGINT NOT NULL,
	since      BIGINT NOT NULL,
	spent      BIGINT NOT NULL,
	due_at     BIGINT,
	ended_at   BIGINT,
	PRIMARY KEY (account_id, ticket_id, metric)
);
