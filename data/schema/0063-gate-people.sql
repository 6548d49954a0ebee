-- People who were deleted; every organization of a user; what an organization's
-- mail comes from; who follows an organization; organizations that became one.
CREATE INDEX users_deleted ON users (account_id, id) WHERE active = 0;
CREATE INDEX session_id ON session (account_id, user_id, id);

CREATE TABLE organization_membership (
	account_id      BIGINT NOT NULL,
	id              BIGINT NOT NULL,
	user_id         BIGINT NOT NULL,
	organization_id BIGINT NOT NULL,
	is_default      BIGINT NOT NULL,
	created_at      BIGINT NOT NULL,
	updated_at      BIGINT NOT NULL,
	PRIMARY KEY (account_id, id),
	FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id),
	FOREIGN KEY (account_id, organization_id) REFERENCES organization (account_id, id)
);
CREATE UNIQUE INDEX organization_membership_pair ON organization_membership (account_id, user_id, organization_id);
CREATE INDEX organization_membership_org ON organization_membership (account_id, organization_id, id);
CREATE INDEX organization_membership_user ON organization_membership (account_id, user_id, id);

-- Who had an organization before has a membership of the user's own number.
INSERT INTO organization_membership (account_id, id, user_id, organization_id, is_default, created_at, updated_at)
	SELECT account_id, id, id, organization_id, 1, created_at, updated_at FROM users
	WHERE organization_id IS NOT NULL AND active = 1;
INSERT INTO sequence (account_id, name, next)
	SELECT account_id, 'organization_membership', max(id) + 1 FROM organization_membership GROUP BY account_id;

-- domain_x: keyed hash of one domain in lower case.
CREATE TABLE organization_domain (
	account_id      BIGINT NOT NULL,
	organization_id BIGINT NOT NULL,
	domain_x        BYTEA NOT NULL,
	PRIMARY KEY (account_id, organization_id, domain_x)
);
CREATE INDEX organization_domain_of ON organization_domain (account_id, domain_x, organization_id);

CREATE TABLE organization_subscription (
	account_id      BIGINT NOT NULL,
	id              BIGINT NOT NULL,
	user_id         BIGINT NOT NULL,
	organization_id BIGINT NOT NULL,
	created_at      BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX organization_subscription_pair ON organization_subscription (account_id, user_id, organization_id);
CREATE INDEX organization_subscription_org ON organization_subscription (account_id, organization_id, id);

CREATE TABLE organization_merge (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	winner_id  BIGINT NOT NULL,
	loser_id   BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX organization_merge_winner ON organization_merge (account_id, winner_id, id);
