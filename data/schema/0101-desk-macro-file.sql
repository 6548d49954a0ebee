-- Files that macros bring along: attachments that belong to no comment. macro_id
-- NULL: uploaded, and not yet a macro's; its uploader alone knows it.
CREATE TABLE macro_attachment (
	account_id    BIGINT NOT NULL,
	attachment_id BIGINT NOT NULL,
	macro_id      BIGINT,
	PRIMARY KEY (account_id, attachment_id)
);
CREATE INDEX macro_attachment_macro ON macro_attachment (account_id, macro_id, attachment_id);
