-- Problems, their incidents, and what follows up a closed ticket.
CREATE INDEX ticket_problem ON ticket (account_id, problem_id, id) WHERE problem_id IS NOT NULL;
CREATE INDEX ticket_problems ON ticket (account_id, type, id) WHERE type = 1 AND deleted_at IS NULL;
CREATE INDEX ticket_followup ON ticket (account_id, followup_source_id, id) WHERE followup_source_id IS NOT NULL;
