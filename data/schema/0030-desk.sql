-- desk: tickets, comments, audits, attachments, mail that came in, jobs, search.
-- Columns named doc, body and the like hold sealed bytes; *_x are blind indexes.

CREATE TABLE ticket (
	account_id      BIGINT NOT NULL,
	id              BIGINT NOT NULL,
	key_id          BIGINT NOT NULL,
	requester_id    BIGINT NOT NULL,
	submitter_id    BIGINT NOT NULL,
	assignee_id     BIGINT,
	group_id        BIGINT,
	organization_id BIGINT,
	problem_id      BIGINT,
	brand_id        BIGINT,
	form_id         BIGINT,
	followup_source_id BIGINT,
	status          BIGINT NOT NULL,
	priority        BIGINT NOT NULL,
	type            BIGINT NOT NULL,
	is_public       BIGINT NOT NULL,
	has_incidents   BIGINT NOT NULL DEFAULT 0,
	comment_count   BIGINT NOT NULL,
	channel         TEXT NOT NULL,
	created_at      BIGINT NOT NULL,
	updated_at      BIGINT NOT NULL,
	generated_at    BIGINT NOT NULL,
	due_at          BIGINT,
	solved_at       BIGINT,
	deleted_at      BIGINT,
	deleted_by      BIGINT,
	external_id_x   BYTEA,
	cc              BYTEA,
	doc             BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX ticket_generated ON ticket (account_id, generated_at, id);
CREATE INDEX ticket_updated ON ticket (account_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ticket_status ON ticket (account_id, status, id) WHERE deleted_at IS NULL;
CREATE INDEX ticket_requester ON ticket (account_id, requester_id, id);
CREATE INDEX ticket_assignee ON ticket (account_id, assignee_id, id) WHERE assignee_id IS NOT NULL;
CREATE INDEX ticket_group ON ticket (account_id, group_id, id) WHERE group_id IS NOT NULL;
CREATE INDEX ticket_organization ON ticket (account_id, organization_id, id) WHERE organization_id IS NOT NULL;
CREATE INDEX ticket_external ON ticket (account_id, external_id_x) WHERE external_id_x IS NOT NULL;
CREATE INDEX ticket_deleted ON ticket (account_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

-- kind 1: e-mail CC, 2: follower
CREATE TABLE ticket_cc (
	account_id BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	kind       BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	PRIMARY KEY (account_id, ticket_id, kind, user_id)
);
CREATE INDEX ticket_cc_user ON ticket_cc (account_id, user_id, kind, ticket_id);

CREATE TABLE comment (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	author_id  BIGINT NOT NULL,
	audit_id   BIGINT NOT NULL,
	is_public  BIGINT NOT NULL,
	redacted   BIGINT NOT NULL DEFAULT 0,
	raw_id     BIGINT,
	attachments BIGINT NOT NULL DEFAULT 0,
	channel    TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX comment_ticket ON comment (account_id, ticket_id, id);

CREATE TABLE ticket_audit (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	author_id  BIGINT NOT NULL,
	comment_id BIGINT,
	channel    TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX ticket_audit_ticket ON ticket_audit (account_id, ticket_id, id);

-- comment_id NULL: an upload that no comment has claimed yet; then token_x is set
CREATE TABLE attachment (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	ticket_id  BIGINT,
	comment_id BIGINT,
	owner_id   BIGINT,
	token_x    BYTEA,
	size       BIGINT NOT NULL,
	is_inline  BIGINT NOT NULL,
	redacted   BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX attachment_comment ON attachment (account_id, comment_id, id) WHERE comment_id IS NOT NULL;
CREATE INDEX attachment_token ON attachment (account_id, token_x) WHERE token_x IS NOT NULL;

CREATE TABLE attachment_chunk (
	account_id    BIGINT NOT NULL,
	attachment_id BIGINT NOT NULL,
	n             BIGINT NOT NULL,
	body          BYTEA NOT NULL,
	PRIMARY KEY (account_id, attachment_id, n)
);

-- The message as it came. content_x: keyed hash of the bytes without trace
-- headers; message_x: of the Message-ID.
CREATE TABLE raw_mail (
	account_id  BIGINT NOT NULL,
	id          BIGINT NOT NULL,
	key_id      BIGINT NOT NULL,
	ticket_id   BIGINT,
	comment_id  BIGINT,
	suspended_id BIGINT,
	size        BIGINT NOT NULL,
	received_at BIGINT NOT NULL,
	message_x   BYTEA,
	content_x   BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX raw_mail_content ON raw_mail (account_id, content_x);
CREATE INDEX raw_mail_message ON raw_mail (account_id, message_x) WHERE message_x IS NOT NULL;

CREATE TABLE raw_mail_chunk (
	account_id BIGINT NOT NULL,
	raw_id     BIGINT NOT NULL,
	n          BIGINT NOT NULL,
	body       BYTEA NOT NULL,
	PRIMARY KEY (account_id, raw_id, n)
);

CREATE TABLE suspended_ticket (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	raw_id     BIGINT NOT NULL,
	ticket_id  BIGINT,
	cause_id   BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);

CREATE TABLE desk_counter (
	account_id BIGINT NOT NULL,
	name       TEXT NOT NULL,
	n          BIGINT NOT NULL,
	PRIMARY KEY (account_id, name)
);

CREATE TABLE job (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	uid        TEXT NOT NULL,
	key_id     BIGINT NOT NULL,
	kind       BIGINT NOT NULL,
	state      BIGINT NOT NULL,
	owner_id   BIGINT NOT NULL,
	total      BIGINT NOT NULL,
	progress   BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	payload    BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX job_uid ON job (account_id, uid);
CREATE INDEX job_state ON job (account_id, state, id);

CREATE TABLE job_result (
	account_id BIGINT NOT NULL,
	job_id     BIGINT NOT NULL,
	n          BIGINT NOT NULL,
	result     TEXT NOT NULL,
	PRIMARY KEY (account_id, job_id, n)
);

CREATE TABLE idempotency (
	account_id BIGINT NOT NULL,
	key_x      BYTEA NOT NULL,
	id         BIGINT NOT NULL,
	ticket_id  BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	body_hash  BYTEA NOT NULL,
	created_at BIGINT NOT NULL,
	reply      BYTEA NOT NULL,
	PRIMARY KEY (account_id, key_x)
);
CREATE INDEX idempotency_age ON idempotency (account_id, created_at);
CREATE INDEX idempotency_ticket ON idempotency (account_id, ticket_id);
