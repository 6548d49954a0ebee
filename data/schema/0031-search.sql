-- Search over sealed text: deltas, segments of sealed buckets, tombstones.
-- Terms, documents of a term and frequencies are only inside sealed columns.

-- One row per change of a document, until it is built into a segment.
-- mode 0: terms added; 1: document changed; 2: document replaced, the old terms to be erased.
CREATE TABLE search_delta (
	account_id BIGINT NOT NULL,
	seq        BIGINT NOT NULL,
	kind       BIGINT NOT NULL,
	doc_id     BIGINT NOT NULL,
	mode       BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	terms      BYTEA NOT NULL,
	PRIMARY KEY (account_id, seq)
);

-- state 0: being written, 1: live, 2: replaced, to be removed.
CREATE TABLE search_segment (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	state      BIGINT NOT NULL,
	level      BIGINT NOT NULL,
	seq_from   BIGINT NOT NULL,
	seq_to     BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	docs       BIGINT NOT NULL,
	postings   BIGINT NOT NULL,
	buckets    BIGINT NOT NULL,
	dir_chunks BIGINT NOT NULL,
	doc_chunks BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);

-- id: segment << 24 | number in it
CREATE TABLE search_bucket (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	body       BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);

-- What a segment with seq_to < seq holds of the document is dead. replaced_at:
-- it has to be erased there within the deadline from then on; NULL: it goes
-- whenever the segment is merged.
CREATE TABLE search_tombstone (
	account_id  BIGINT NOT NULL,
	kind        BIGINT NOT NULL,
	doc_id      BIGINT NOT NULL,
	seq         BIGINT NOT NULL,
	replaced_at BIGINT,
	PRIMARY KEY (account_id, kind, doc_id)
);

-- All that a search asks of a ticket that it does not show: a page of this
-- holds forty tickets, one of the table one or two. Only for statements that
-- say status >= 0: by others' statements the planner shall not be tempted.
CREATE INDEX ticket_search ON ticket (account_id, id, deleted_at, status, priority, type, requester_id, submitter_id,
	assignee_id, group_id, organization_id, brand_id, form_id, channel, created_at, updated_at, due_at, solved_at, cc)
	WHERE status >= 0;
