-- Rules: views, macros, triggers, automations, SLA policies; what they left on
-- tickets. doc: title, description, conditions and actions, sealed under the
-- rule's own key, because a condition or a canned answer may name somebody.

-- kind: enum rule_kind. whom 0 all, 1 one user, 2 groups (in doc).
CREATE TABLE rule (
	account_id  BIGINT NOT NULL,
	id          BIGINT NOT NULL,
	key_id      BIGINT NOT NULL,
	kind        BIGINT NOT NULL,
	position    BIGINT NOT NULL,
	active      BIGINT NOT NULL,
	is_default  BIGINT NOT NULL,
	category_id BIGINT,
	whom        BIGINT NOT NULL,
	user_id     BIGINT,
	created_at  BIGINT NOT NULL,
	updated_at  BIGINT NOT NULL,
	doc         BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX rule_order ON rule (account_id, kind, position, id);

CREATE TABLE rule_category (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	name       TEXT NOT NULL,
	position   BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);

-- A trigger as it was saved each time; doc is sealed under the trigger's key.
CREATE TABLE rule_revision (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	rule_id    BIGINT NOT NULL,
	author_id  BIGINT NOT NULL,
	active     BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX rule_revision_rule ON rule_revision (account_id, rule_id, id);

-- An automation that still fits a ticket after it ran on it: not again for the
-- same anchor (the latest moment that its time conditions count from).
CREATE TABLE rule_fired (
	account_id BIGINT NOT NULL,
	rule_id    BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	anchor     BIGINT NOT NULL,
	PRIMARY KEY (account_id, rule_id, ticket_id)
);

-- One run of the automations that is under way, or the last one.
CREATE TABLE rule_run (
	account_id  BIGINT NOT NULL,
	id          BIGINT NOT NULL,
	at          BIGINT NOT NULL,
	done        BIGINT NOT NULL,
	rule_id     BIGINT NOT NULL,
	position    BIGINT NOT NULL,
	after_id    BIGINT NOT NULL,
	changed     BIGINT NOT NULL,
	total       BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);

-- When a ticket last came into each status and other moments that rules count
-- hours from; what reports count. Times 0: never. *_for: microseconds gone by
-- in whole periods, by the calendar and (b) in business hours.
CREATE TABLE ticket_metric (
	account_id     BIGINT NOT NULL,
	ticket_id      BIGINT NOT NULL,
	new_at         BIGINT NOT NULL,
	open_at        BIGINT NOT NULL,
	pending_at     BIGINT NOT NULL,
	hold_at        BIGINT NOT NULL,
	solved_at      BIGINT NOT NULL,
	closed_at      BIGINT NOT NULL,
	status_at      BIGINT NOT NULL,
	assigned_at    BIGINT NOT NULL,
	first_assigned_at BIGINT NOT NULL,
	requester_at   BIGINT NOT NULL,
	assignee_at    BIGINT NOT NULL,
	comment_at     BIGINT NOT NULL,
	replied_at     BIGINT NOT NULL,
	first_solved_at BIGINT NOT NULL,
	waiting_since  BIGINT NOT NULL,
	reopens        BIGINT NOT NULL,
	replies        BIGINT NOT NULL,
	assignees      BIGINT NOT NULL,
	groups         BIGINT NOT NULL,
	hold_for       BIGINT NOT NULL,
	hold_for_b     BIGINT NOT NULL,
	agent_for      BIGINT NOT NULL,
	agent_for_b    BIGINT NOT NULL,
	requester_for  BIGINT NOT NULL,
	requester_for_b BIGINT NOT NULL,
	policy_id      BIGINT,
	breach_at      BIGINT,
	PRIMARY KEY (account_id, ticket_id)
);
CREATE INDEX ticket_metric_breach ON ticket_metric (account_id, breach_at, ticket_id) WHERE breach_at IS NOT NULL;

-- What views walk: tickets by status, agent and group, newest change last.
CREATE INDEX ticket_view_status ON ticket (account_id, status, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ticket_view_assignee ON ticket (account_id, assignee_id, status, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ticket_view_group ON ticket (account_id, group_id, status, updated_at, id) WHERE deleted_at IS NULL;
