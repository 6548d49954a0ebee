-- gate: OAuth 2.0 (RFC 6749). Clients, codes on their way, and what a token of a client is.
-- Secrets, codes and tokens are kept as keyed hashes; hints are the public first ten characters of what was handed out.

CREATE TABLE oauth_client (
	account_id   BIGINT NOT NULL,
	id           BIGINT NOT NULL,
	key_id       BIGINT NOT NULL,
	user_id      BIGINT NOT NULL,
	confidential BIGINT NOT NULL,
	identifier_x BYTEA NOT NULL,
	secret       BYTEA NOT NULL,
	secret_hint  TEXT NOT NULL,
	created_at   BIGINT NOT NULL,
	updated_at   BIGINT NOT NULL,
	doc          BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX oauth_client_identifier ON oauth_client (account_id, identifier_x);
CREATE INDEX oauth_client_user ON oauth_client (account_id, user_id, id);

-- An authorization code; used_at is set when it was exchanged, so that a second use is seen.
CREATE TABLE oauth_code (
	account_id BIGINT NOT NULL,
	hash       BYTEA NOT NULL,
	grant_id   BIGINT NOT NULL,
	client_id  BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	scopes     BIGINT NOT NULL,
	redirect   BYTEA NOT NULL,
	challenge  TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	used_at    BIGINT,
	PRIMARY KEY (account_id, hash)
);
CREATE INDEX oauth_code_old ON oauth_code (account_id, created_at);

-- client_id NULL: a token that no client made. scopes: bits of gate/scope.c, NULL: by read_only. grant_id: all tokens that
-- came of one consent. rotated: a newer one took its place, so its refresh token coming back is theft (RFC 9700 4.14.2).
ALTER TABLE api_token ADD COLUMN client_id BIGINT;
ALTER TABLE api_token ADD COLUMN grant_id BIGINT;
ALTER TABLE api_token ADD COLUMN scopes BIGINT;
ALTER TABLE api_token ADD COLUMN expires_at BIGINT;
ALTER TABLE api_token ADD COLUMN hint TEXT;
ALTER TABLE api_token ADD COLUMN refresh BYTEA;
ALTER TABLE api_token ADD COLUMN refresh_hint TEXT;
ALTER TABLE api_token ADD COLUMN refresh_expires_at BIGINT;
ALTER TABLE api_token ADD COLUMN rotated BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX api_token_refresh ON api_token (account_id, refresh) WHERE refresh IS NOT NULL;
CREATE INDEX api_token_client ON api_token (account_id, client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX api_token_grant ON api_token (account_id, grant_id) WHERE grant_id IS NOT NULL;
