-- Users, organizations, groups, sign-in.
--
-- doc: one sealed pack of everything about a user (organization) that may name
-- a person, under that row's own data key. *_x: blind indexes of the folded
-- text, 16 bytes. Flags are 0 or 1, times are microseconds UTC.

CREATE TABLE agent_group (
	account_id  BIGINT NOT NULL,
	id          BIGINT NOT NULL,
	name        TEXT NOT NULL,
	description TEXT NOT NULL,
	is_public   BIGINT NOT NULL,
	is_default  BIGINT NOT NULL,
	deleted     BIGINT NOT NULL,
	created_at  BIGINT NOT NULL,
	updated_at  BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX agent_group_live ON agent_group (account_id, id) WHERE deleted = 0;
CREATE UNIQUE INDEX agent_group_default ON agent_group (account_id) WHERE is_default = 1;

CREATE TABLE organization (
	account_id      BIGINT NOT NULL,
	id              BIGINT NOT NULL,
	data_key        BIGINT NOT NULL,
	group_id        BIGINT,
	shared_tickets  BIGINT NOT NULL,
	shared_comments BIGINT NOT NULL,
	name_x          BYTEA NOT NULL,
	external_id_x   BYTEA,
	created_at      BIGINT NOT NULL,
	updated_at      BIGINT NOT NULL,
	doc             BYTEA NOT NULL,
	PRIMARY KEY (account_id, id),
	FOREIGN KEY (account_id, group_id) REFERENCES agent_group (account_id, id)
);
CREATE UNIQUE INDEX organization_name ON organization (account_id, name_x);
CREATE UNIQUE INDEX organization_external ON organization (account_id, external_id_x) WHERE external_id_x IS NOT NULL;
CREATE INDEX organization_group ON organization (account_id, group_id) WHERE group_id IS NOT NULL;

CREATE TABLE users (
	account_id       BIGINT NOT NULL,
	id               BIGINT NOT NULL,
	data_key         BIGINT NOT NULL,
	role             BIGINT NOT NULL,
	sees             BIGINT NOT NULL,
	organization_id  BIGINT,
	default_group_id BIGINT,
	active           BIGINT NOT NULL,
	suspended        BIGINT NOT NULL,
	verified         BIGINT NOT NULL,
	moderator        BIGINT NOT NULL,
	only_private     BIGINT NOT NULL,
	shared           BIGINT NOT NULL,
	external_id_x    BYTEA,
	phone_x          BYTEA,
	created_at       BIGINT NOT NULL,
	updated_at       BIGINT NOT NULL,
	last_login_at    BIGINT,
	doc              BYTEA NOT NULL,
	PRIMARY KEY (account_id, id),
	FOREIGN KEY (account_id, organization_id) REFERENCES organization (account_id, id),
	FOREIGN KEY (account_id, default_group_id) REFERENCES agent_group (account_id, id)
);
-- One page of a list is one walk along one of these, whatever the table's size.
CREATE INDEX users_role ON users (account_id, role, id) WHERE active = 1;
CREATE INDEX users_organization ON users (account_id, organization_id, role, id) WHERE active = 1;
CREATE INDEX users_in_organization ON users (account_id, organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX users_default_group ON users (account_id, default_group_id) WHERE default_group_id IS NOT NULL;
CREATE INDEX users_changed ON users (account_id, updated_at, id);
CREATE UNIQUE INDEX users_external ON users (account_id, external_id_x) WHERE active = 1 AND external_id_x IS NOT NULL;
CREATE INDEX users_phone ON users (account_id, phone_x) WHERE phone_x IS NOT NULL;

-- Every e-mail address of an active user, the primary one too; a deleted
-- user's rows go, so that the address is free again.
CREATE TABLE user_identity (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	email_x    BYTEA NOT NULL,
	is_primary BIGINT NOT NULL,
	verified   BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	value      BYTEA NOT NULL,
	PRIMARY KEY (account_id, id),
	FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id)
);
CREATE UNIQUE INDEX user_identity_email ON user_identity (account_id, email_x);
CREATE INDEX user_identity_user ON user_identity (account_id, user_id, id);

CREATE TABLE credential (
	account_id BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	changed_at BIGINT NOT NULL,
	password   BYTEA NOT NULL,
	PRIMARY KEY (account_id, user_id),
	FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id)
);

CREATE TABLE group_membership (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	group_id   BIGINT NOT NULL,
	is_default BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id),
	FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id),
	FOREIGN KEY (account_id, group_id) REFERENCES agent_group (account_id, id)
);
CREATE UNIQUE INDEX group_membership_pair ON group_membership (account_id, user_id, group_id);
CREATE INDEX group_membership_user ON group_membership (account_id, user_id, id);
CREATE INDEX group_membership_group ON group_membership (account_id, group_id, id);
CREATE INDEX group_membership_people ON group_membership (account_id, group_id, user_id);

-- hash: keyed hash of the cookie, which itself is kept nowhere.
CREATE TABLE session (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	hash       BYTEA NOT NULL,
	created_at BIGINT NOT NULL,
	seen_at    BIGINT NOT NULL,
	PRIMARY KEY (account_id, id),
	FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id)
);
CREATE UNIQUE INDEX session_hash ON session (account_id, hash);
CREATE INDEX session_user ON session (account_id, user_id);
CREATE INDEX session_seen ON session (account_id, seen_at);

-- hash: keyed hash of the token.
CREATE TABLE api_token (
	account_id   BIGINT NOT NULL,
	id           BIGINT NOT NULL,
	user_id      BIGINT NOT NULL,
	hash         BYTEA NOT NULL,
	bearer       BIGINT NOT NULL,
	read_only    BIGINT NOT NULL,
	active       BIGINT NOT NULL,
	created_at   BIGINT NOT NULL,
	last_used_at BIGINT,
	description  BYTEA NOT NULL,
	PRIMARY KEY (account_id, id),
	FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id)
);
CREATE UNIQUE INDEX api_token_hash ON api_token (account_id, hash);
CREATE INDEX api_token_user ON api_token (account_id, user_id);

CREATE TABLE account_setting (
	account_id BIGINT NOT NULL,
	name       TEXT NOT NULL,
	value      TEXT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, name)
);

-- Kept, not counted: users by role, by organization and role, organizations,
-- groups, memberships, members of a group.
CREATE TABLE gate_counter (
	account_id BIGINT NOT NULL,
	name       TEXT NOT NULL,
	which      BIGINT NOT NULL,
	n          BIGINT NOT NULL,
	PRIMARY KEY (account_id, name, which)
);
