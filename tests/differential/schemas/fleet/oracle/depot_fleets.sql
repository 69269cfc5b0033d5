SELECT d.id, COUNT(v.id), COALESCE(GROUP_CONCAT(v.plate ORDER BY v.price, v.plate, v.id SEPARATOR ','), ''),
  COALESCE(SUM(v.price), 0)
FROM depots d LEFT JOIN vehicles v ON v.depot_id = d.id
GROUP BY d.id
