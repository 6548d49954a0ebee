-- Targets that were missed while nothing happened: the export of metric events asks for them by time.
CREATE INDEX sla_target_due ON sla_target (account_id, due_at) WHERE state = 1 AND due_at IS NOT NULL;
