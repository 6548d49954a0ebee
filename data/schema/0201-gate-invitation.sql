-- gate: an invitation is a link of the same kind as a reset, made by an administrator for staff without a password. It is
-- kept when it is over, so that the list of people says so. by_mail 0: the administrator hands the link over.
ALTER TABLE password_reset ADD COLUMN invited_at BIGINT;
ALTER TABLE password_reset ADD COLUMN by_mail BIGINT NOT NULL DEFAULT 0;
