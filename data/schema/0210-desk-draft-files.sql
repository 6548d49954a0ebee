-- A draft of a ticket that is not yet made (ticket_id 0) is sealed under a key of
-- its own, key_id. The index finds uploads that nobody claimed, for the sweep.
ALTER TABLE draft ADD COLUMN key_id BIGINT;
CREATE INDEX attachment_unclaimed ON attachment (account_id, created_at) WHERE comment_id IS NULL AND token_x IS NOT NULL;
