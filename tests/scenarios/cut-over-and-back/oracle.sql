-- table: customers
SELECT * FROM customers;
