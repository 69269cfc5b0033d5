-- table: services
SELECT id, title FROM services;
