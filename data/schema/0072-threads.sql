-- The Message-ID of a mail that came, sealed under the mail's own key: answers of ours name it (RFC 5322 3.6.4).
ALTER TABLE raw_mail ADD COLUMN message_doc BYTEA;
CREATE INDEX raw_mail_thread ON raw_mail (account_id, ticket_id, id) WHERE ticket_id IS NOT NULL;
