SELECT d.id, d.name, v.plate, b.name, t.name, d.salary
FROM drivers d JOIN vehicles v ON v.id = d.vehicle_id
LEFT JOIN drivers b ON b.id = d.boss_id LEFT JOIN drivers t ON t.id = b.boss_id
