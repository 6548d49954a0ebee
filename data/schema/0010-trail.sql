-- trail: the record of every change and every look, hash-chained.
--
-- The columns of an event repeat what its canonical line says, for reading
-- without parsing; `ward trail verify` compares them. Nothing is indexed here
-- but the place in the chain and the data key: what finds events by actor,
-- object or action are the posting lists in trail_block, written once per few
-- thousand events (src/trail/index.c says why).

CREATE TABLE trail (
	account_id BIGINT NOT NULL,
	lane       BIGINT NOT NULL,
	seq        BIGINT NOT NULL,      -- 1, 2, 3... without a gap
	at         BIGINT NOT NULL,      -- never less than the event's before
	kind       BIGINT NOT NULL,      -- 1: change, 2: look
	actor_id   BIGINT NOT NULL,
	action     TEXT NOT NULL,
	object     TEXT NOT NULL,
	object_id  BIGINT,               -- NULL: several, the canonical line lists them
	parent     BIGINT NOT NULL,
	canonical  TEXT NOT NULL,
	hash       BYTEA NOT NULL,
	vals       BYTEA,                -- sealed
	vals_key   BIGINT,               -- the object's data key; NULL: the trail's own of the month
	resealed   BIGINT,               -- seq of the event that says what vals became
	PRIMARY KEY (account_id, lane, seq)
);
CREATE INDEX trail_key ON trail (account_id, vals_key, seq) WHERE vals_key IS NOT NULL;

-- One row per lane, rewritten once per commit; mac: under the trail key.
CREATE TABLE trail_head (
	account_id BIGINT NOT NULL,
	lane       BIGINT NOT NULL,
	origin     TEXT NOT NULL,
	seq        BIGINT NOT NULL,
	hash       BYTEA NOT NULL,
	indexed    BIGINT NOT NULL,      -- events up to this one are in trail_block
	witnessed  BIGINT NOT NULL,      -- checkpoints up to this number are in the witness
	mac        BYTEA NOT NULL,
	PRIMARY KEY (account_id, lane)
);

-- seq: the last event that the note covers; the next one is the note's own.
CREATE TABLE trail_checkpoint (
	account_id BIGINT NOT NULL,
	number     BIGINT NOT NULL,
	seq        BIGINT NOT NULL,
	note       TEXT NOT NULL,
	PRIMARY KEY (account_id, number)
);

CREATE TABLE trail_month_key (
	account_id BIGINT NOT NULL,
	month      BIGINT NOT NULL,      -- 202601
	key_id     BIGINT NOT NULL,
	PRIMARY KEY (account_id, month)
);

-- Of the events first_seq to last_seq, which have this term, with the ids that
-- fall into this bucket; the empty term stands once for each such range.
CREATE TABLE trail_block (
	account_id BIGINT NOT NULL,
	lane       BIGINT NOT NULL,
	term       TEXT NOT NULL,
	level      BIGINT NOT NULL,      -- 0: as appended; 1, 2: eight of the level below
	bucket     BIGINT NOT NULL,
	last_seq   BIGINT NOT NULL,
	first_seq  BIGINT NOT NULL,
	postings   BYTEA NOT NULL,
	PRIMARY KEY (account_id, lane, term, level, bucket, last_seq)
);
