-- The help centre's texts: kind 1 categories, 2 sections (parent: a category),
-- 3 articles (parent: a section). head: a JSON object sealed under the row's
-- key, with the source locale and per locale title and draft; body: per locale
-- the HTML or description. signed_in: who is not signed in does not see it.
CREATE TABLE guide (
	account_id  BIGINT NOT NULL,
	id          BIGINT NOT NULL,
	kind        BIGINT NOT NULL,
	parent_id   BIGINT,
	position    BIGINT NOT NULL,
	brand_id    BIGINT,
	signed_in   BIGINT NOT NULL,
	promoted    BIGINT NOT NULL,
	author_id   BIGINT NOT NULL,
	data_key    BIGINT NOT NULL,
	created_at  BIGINT NOT NULL,
	updated_at  BIGINT NOT NULL,
	edited_at   BIGINT NOT NULL,
	archived_at BIGINT,
	head        BYTEA NOT NULL,
	body        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
CREATE INDEX guide_kind ON guide (account_id, kind, position, id);
