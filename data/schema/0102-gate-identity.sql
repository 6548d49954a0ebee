-- Identities that are no e-mail address. kind: enum identity_kind (0: e-mail);
-- email_x of the others hashes "kind:value", so that none is ever an address.
ALTER TABLE user_identity ADD COLUMN kind BIGINT NOT NULL DEFAULT 0;
