CREATE TABLE tenants (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL);
CREATE TABLE services (id INT PRIMARY KEY, tenant_id INT NULL, title VARCHAR(20) NOT NULL, gone INT NOT NULL DEFAULT 0, KEY (tenant_id));
CREATE TABLE bookings (id INT PRIMARY KEY, service_id INT NULL, note VARCHAR(20) NULL, KEY (service_id));
INSERT INTO tenants VALUES (1, 'north'), (2, 'south');
INSERT INTO services VALUES (1, 1, 'cut', 0), (2, 1, 'wash', 0), (3, 2, 'dye', 0), (4, NULL, 'free', 0), (5, 9, 'orphan', 0);
INSERT INTO bookings VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, NULL), (4, 9, 'nobody'), (5, NULL, 'none'), (6, 5, 'two steps short');
INSERT INTO bookings SELECT 1000 + seq, 1, CONCAT('n', seq MOD 7) FROM (WITH RECURSIVE numbers AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM numbers WHERE seq < 1000) SELECT seq FROM numbers) AS a;
INSERT INTO bookings SELECT id + 1000, service_id, note FROM bookings WHERE id > 1000;
