-- Who sees PHI unmasked. NULL: as the role and the account's settings say.
ALTER TABLE users ADD COLUMN sees_phi BIGINT;
