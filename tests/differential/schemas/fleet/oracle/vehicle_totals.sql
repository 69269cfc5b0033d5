SELECT t.vehicle_id, MAX(v.plate), COUNT(*), SUM(t.km), MAX(t.km)
FROM trips t LEFT JOIN vehicles v ON v.id = t.vehicle_id
GROUP BY t.vehicle_id
