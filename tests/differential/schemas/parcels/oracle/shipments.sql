SELECT 'parcel', p.id, p.code, c.email, p.weight, NULL FROM parcels p LEFT JOIN customers c ON c.id = p.customer_id
UNION ALL
SELECT 'letter', id, code, NULL, NULL, priority FROM letters WHERE priority IS NOT NULL
