SELECT f.tenant, f.category, t.name, f.entries, f.total,
  COALESCE((SELECT GROUP_CONCAT(b.id, '=', b.amount ORDER BY b.amount, b.id SEPARATOR ';') FROM budgets b
            WHERE b.tenant = f.tenant AND b.category = f.category), '')
FROM (SELECT tenant, category, ROW_NUMBER() OVER (PARTITION BY tenant, category ORDER BY number, seq) AS place,
        COUNT(*) OVER (PARTITION BY tenant, category) AS entries, SUM(amount) OVER (PARTITION BY tenant, category) AS total
      FROM entries WHERE category IS NOT NULL) f
LEFT JOIN tenants t ON t.id = f.tenant
WHERE f.place = 1
