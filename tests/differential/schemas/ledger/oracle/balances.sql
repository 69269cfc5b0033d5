SELECT a.tenant, a.number, t.name, UPPER(a.kind), COALESCE(SUM(e.amount), 0), COUNT(e.seq), MAX(e.seq)
FROM accounts a JOIN tenants t ON t.id = a.tenant
LEFT JOIN entries e ON e.tenant = a.tenant AND e.number = a.number
WHERE a.tenant >= 0 AND a.number >= 0 AND a.kind <> 'closed'
GROUP BY a.tenant, a.number, t.name, a.kind
