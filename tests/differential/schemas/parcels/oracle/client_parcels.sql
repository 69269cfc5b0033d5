SELECT c.id, c.email, p.email,
  (SELECT COUNT(*) FROM parcels a WHERE a.customer_id = c.id),
  CONCAT('[', COALESCE((SELECT GROUP_CONCAT(CONCAT('"', a.code, '"') ORDER BY a.weight, a.id SEPARATOR ',') FROM parcels a
                        WHERE a.customer_id = c.id), ''), ']')
FROM customers c LEFT JOIN customers p ON p.id = c.parent
WHERE c.vip = 1
