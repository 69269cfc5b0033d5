-- table: staff
SELECT s.id, b.name, s.boss FROM staff s LEFT JOIN branches b ON b.id = s.branch_id;
