-- gate: the built-in role of compliance officers is a row of its own kind; what it may is written in src/gate/may.c.
ALTER TABLE custom_role ADD COLUMN officer BIGINT NOT NULL DEFAULT 0;
