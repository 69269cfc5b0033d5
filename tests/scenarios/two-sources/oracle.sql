-- table: events
SELECT 'call', id, body FROM calls UNION ALL SELECT 'hook', id, body FROM hooks;
