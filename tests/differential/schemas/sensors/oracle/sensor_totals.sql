SELECT r.sensor_id, MAX(s.name), COUNT(*), COALESCE(MAX(s.factor), 1) * COALESCE(SUM(r.value), 0), MAX(r.id)
FROM readings r LEFT JOIN sensors s ON s.id = r.sensor_id
GROUP BY r.sensor_id
