SELECT t.vehicle_id, t.number, t.km, t.note, v.plate, d.name,
  COALESCE((SELECT GROUP_CONCAT(s.place ORDER BY s.position SEPARATOR '>') FROM stops s
            WHERE s.vehicle_id = t.vehicle_id AND s.number = t.number), ''),
  (SELECT COUNT(*) FROM stops s WHERE s.vehicle_id = t.vehicle_id AND s.number = t.number)
FROM trips t LEFT JOIN vehicles v ON v.id = t.vehicle_id LEFT JOIN depots d ON d.id = v.depot_id
