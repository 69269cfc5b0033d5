SELECT 'invoice', id, code, amount, NULL FROM documents WHERE kind = 'invoice'
UNION ALL
SELECT 'order', d.id, d.code, -d.amount, c.email FROM documents d LEFT JOIN customers c ON c.id = d.customer_id
WHERE d.kind = 'order'
