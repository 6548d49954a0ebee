-- Verifications of the trail that were asked for on screen. state 1: running,
-- 2: all is as it was written, 3: something is not, 4: could not be finished.
CREATE TABLE trail_check (
	account_id  BIGINT NOT NULL,
	id          BIGINT NOT NULL,
	user_id     BIGINT NOT NULL,
	state       BIGINT NOT NULL,
	started_at  BIGINT NOT NULL,
	ended_at    BIGINT,
	events      BIGINT NOT NULL,
	checkpoints BIGINT NOT NULL,
	bad_seq     BIGINT NOT NULL,
	why         TEXT NOT NULL,
	head        BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);

-- The first-run guide: what was proven, and what was put off with which reason
-- (sealed). id: enum setup_step. state 1: proven, 2: deferred. proof: what was
-- true then (a key's fingerprint, a relay, a policy's version); when it is not
-- true any more, the step is open again.
CREATE TABLE setup_step (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	state      BIGINT NOT NULL,
	user_id    BIGINT NOT NULL,
	at         BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	proof      TEXT NOT NULL,
	reason     BYTEA NOT NULL,
	PRIMARY KEY (account_id, id)
);
