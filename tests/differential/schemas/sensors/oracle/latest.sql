SELECT f.sensor_id, f.place - 1, f.id, f.value
FROM (SELECT sensor_id, id, value, ROW_NUMBER() OVER (PARTITION BY sensor_id ORDER BY taken DESC, id DESC) AS place
      FROM readings WHERE value IS NOT NULL AND taken IS NOT NULL) f
JOIN sensors s ON s.id = f.sensor_id
WHERE f.place <= 3
