-- Whose messages go when a person is erased.
CREATE INDEX outbox_user ON outbox (account_id, user_id, id) WHERE user_id IS NOT NULL;
