-- PHI in the desk: the policy and its versions, scans and other work over many
-- tickets, the list of known people, mail that was refused. doc and body hold
-- sealed bytes.

-- state 0: draft, 1: in force, 2: was in force. doc: the rules and why.
CREATE TABLE phi_policy (
	account_id   BIGINT NOT NULL,
	version      BIGINT NOT NULL,
	key_id       BIGINT NOT NULL,
	state        BIGINT NOT NULL,
	author_id    BIGINT NOT NULL,
	created_at   BIGINT NOT NULL,
	activated_by BIGINT,
	activated_at BIGINT,
	doc          BYTEA NOT NULL,
	PRIMARY KEY (account_id, version)
);
CREATE UNIQUE INDEX phi_policy_in_force ON phi_policy (account_id) WHERE state = 1;

-- Work over many tickets. kind 1: scan, 2: trial of a policy, 3: redaction.
-- state 0: queued, 1: working, 2: paused, 3: completed, 4: cancelled, 5: failed.
-- last_id: the last ticket that is done; what follows is to be done.
CREATE TABLE phi_job (
	account_id  BIGINT NOT NULL,
	id          BIGINT NOT NULL,
	key_id      BIGINT NOT NULL,
	kind        BIGINT NOT NULL,
	state       BIGINT NOT NULL,
	owner_id    BIGINT NOT NULL,
	parent_id   BIGINT,
	listed      BIGINT NOT NULL,
	total       BIGINT NOT NULL,
	done        BIGINT NOT NULL,
	last_id     BIGINT NOT NULL,
	top_id      BIGINT NOT NULL,
	bytes       BIGINT NOT NULL,
	texts       BIGINT NOT NULL,
	findings    BIGINT NOT NULL,
	with_phi    BIGINT NOT NULL,
	changed     BIGINT NOT NULL,
	failed      BIGINT NOT NULL,
	worked_for  BIGINT NOT NULL,
	created_at  BIGINT NOT NULL,
	updated_at  BIGINT NOT NULL,
	ended_at    BIGINT,
	doc         BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX phi_job_state ON phi_job (account_id, state, id);

-- Which tickets, when they were found by a query (listed = 1).
CREATE TABLE phi_job_list (
	account_id BIGINT NOT NULL,
	job_id     BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	PRIMARY KEY (account_id, job_id, ticket_id)
);

-- Counts of findings, nothing of their values.
CREATE TABLE phi_job_count (
	account_id BIGINT NOT NULL,
	job_id     BIGINT NOT NULL,
	kind       BIGINT NOT NULL,
	place      BIGINT NOT NULL,
	channel    BIGINT NOT NULL,
	age        BIGINT NOT NULL,
	treatment  BIGINT NOT NULL,
	n          BIGINT NOT NULL,
	PRIMARY KEY (account_id, job_id, kind, place, channel, age, treatment)
);

-- Tickets with findings: how many of which kind, where, how sure (sealed).
CREATE TABLE phi_job_ticket (
	account_id BIGINT NOT NULL,
	job_id     BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, job_id, ticket_id)
);

-- The account's list of known people, as phi_known_save() writes it, in chunks.
CREATE TABLE phi_known_chunk (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	body       BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);

-- Mail that the policy refused: nothing of it is kept but when, and for what.
CREATE TABLE mail_refusal (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	at         BIGINT NOT NULL,
	reason     TEXT NOT NULL,
	PRIMARY KEY (account_id, id)
);
