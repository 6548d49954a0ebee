-- How many items of a job could not be done: those wait for a person.
ALTER TABLE job ADD COLUMN failed BIGINT NOT NULL DEFAULT 0;
