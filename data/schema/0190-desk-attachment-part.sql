-- A file that is still on its way: its chunks are there, its attachment is not.
-- What nobody writes to any more is swept, with its key.
CREATE TABLE attachment_part (
	account_id BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	key_id     BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
);
-- 1: each chunk is sealed to its number and the last one to being it; 0: of an
-- older version, sealed to the attachment alone.
ALTER TABLE attachment ADD COLUMN bound BIGINT NOT NULL DEFAULT 0;
