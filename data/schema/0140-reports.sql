-- What reports show, counted in the transactions that make it happen, so that a
-- report reads some hundred rows however many tickets there are. day: days since
-- 1970-01-01, UTC. What figure, a and b mean, src/desk/report.c says.
CREATE TABLE report_day (
	account_id BIGINT NOT NULL,
	figure     BIGINT NOT NULL,
	day        BIGINT NOT NULL,
	a          BIGINT NOT NULL,
	b          BIGINT NOT NULL,
	n          BIGINT NOT NULL,
	total      BIGINT NOT NULL,      -- seconds, where a figure has them
	PRIMARY KEY (account_id, figure, day, a, b)
);

-- Events of the trail up to seq are counted.
CREATE TABLE report_cursor (
	account_id BIGINT NOT NULL,
	seq        BIGINT NOT NULL,
	PRIMARY KEY (account_id)
);

-- What is there already: tickets and their times.
INSERT INTO report_day (account_id, figure, day, a, b, n, total)
SELECT account_id, 1, created_at / 86400000000, CASE WHEN channel IN ('email', 'mail') THEN 1
	WHEN channel IN ('web', 'web_form', 'form') THEN 2 WHEN channel IN ('chat', 'native_messaging', 'sms', 'messaging', 'whatsapp') THEN 3
	ELSE 0 END, 0, COUNT(*), 0 FROM ticket GROUP BY 1, 2, 3, 4;
INSERT INTO report_day (account_id, figure, day, a, b, n, total)
SELECT account_id, 2, solved_at / 86400000000, 0, 0, COUNT(*), 0 FROM ticket WHERE status >= 4 AND solved_at IS NOT NULL GROUP BY 1, 2, 3;
INSERT INTO report_day (account_id, figure, day, a, b, n, total)
SELECT account_id, 4, day, 0, 0, SUM(n), 0 FROM (
	SELECT account_id, created_at / 86400000000 AS day, 1 AS n FROM ticket
	UNION ALL SELECT account_id, COALESCE(solved_at, created_at) / 86400000000, -1 FROM ticket WHERE status >= 4
	UNION ALL SELECT account_id, deleted_at / 86400000000, -1 FROM ticket WHERE deleted_at IS NOT NULL AND status < 4
) AS moves GROUP BY 1, 2, 3;
INSERT INTO report_day (account_id, figure, day, a, b, n, total)
SELECT account_id, figure, day, CASE WHEN secs < 900 THEN 0 WHEN secs < 3600 THEN 1 WHEN secs < 14400 THEN 2 WHEN secs < 28800 THEN 3
	WHEN secs < 86400 THEN 4 WHEN secs < 172800 THEN 5 WHEN secs < 604800 THEN 6 ELSE 7 END, 0, COUNT(*), SUM(secs) FROM (
	SELECT t.account_id AS account_id, 5 AS figure, m.replied_at / 86400000000 AS day, (m.replied_at - t.created_at) / 1000000 AS secs
	FROM ticket_metric m JOIN ticket t ON t.account_id = m.account_id AND t.id = m.ticket_id WHERE m.replied_at >= t.created_at
	UNION ALL SELECT t.account_id, 6, m.first_solved_at / 86400000000, (m.first_solved_at - t.created_at) / 1000000
	FROM ticket_metric m JOIN ticket t ON t.account_id = m.account_id AND t.id = m.ticket_id WHERE m.first_solved_at >= t.created_at
) AS times GROUP BY 1, 2, 3, 4;
INSERT INTO report_day (account_id, figure, day, a, b, n, total)
SELECT account_id, 7, ended_at / 86400000000, metric, CASE WHEN due_at IS NOT NULL AND ended_at > due_at THEN 1 ELSE 0 END, COUNT(*), 0
	FROM sla_target WHERE state = 3 AND ended_at IS NOT NULL GROUP BY 1, 2, 3, 4, 5;
INSERT INTO report_day (account_id, figure, day, a, b, n, total)
SELECT account_id, 8, created_at / 86400000000, score, 0, COUNT(*), 0 FROM satisfaction_rating GROUP BY 1, 2, 3, 4;
