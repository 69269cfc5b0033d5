SELECT v.id, v.plate, d.name, d.region_id, v.price * 100
FROM vehicles v LEFT JOIN depots d ON d.id = v.depot_id
WHERE v.wheels <> 0
