-- The orders of the incremental exports.
CREATE INDEX organization_changed ON organization (account_id, updated_at, id);
CREATE INDEX ticket_audit_created ON ticket_audit (account_id, created_at, id);
