-- keyring: wrapped keys and nothing else. Never in the same backup as the main
-- database; destroying a row here erases what its key sealed, everywhere.
CREATE TABLE account_key (
	account_id BIGINT NOT NULL,
	version    BIGINT NOT NULL,
	wrapped    BYTEA NOT NULL,
	PRIMARY KEY (account_id, version)
);

CREATE TABLE named_key (
	account_id BIGINT NOT NULL,
	which      BIGINT NOT NULL,
	wrapped    BYTEA NOT NULL,
	PRIMARY KEY (account_id, which)
);

-- version: of the account key that wraps it
CREATE TABLE data_key (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	version    BIGINT NOT NULL,
	wrapped    BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX data_key_version ON data_key (account_id, version, id);
