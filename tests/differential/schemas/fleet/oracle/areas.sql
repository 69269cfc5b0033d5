SELECT MIN(id), region_id, COUNT(*), SUM(capacity) FROM depots GROUP BY region_id
