-- table: staff
SELECT MIN(staff), SUBSTRING_INDEX(GROUP_CONCAT(name ORDER BY rank_, id), ',', 1), GROUP_CONCAT(name ORDER BY rank_, id), MIN(id) FROM skills GROUP BY staff;
