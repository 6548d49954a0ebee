-- What administrators define: fields, forms, statuses, brands, texts. One row
-- each, everything about it in doc, a JSON object sealed under the row's own
-- data key. Ids are one sequence over all kinds. kind: enum def_kind.
CREATE TABLE definition (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	kind       BIGINT NOT NULL,
	data_key   BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	doc        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX definition_kind ON definition (account_id, kind, id);
