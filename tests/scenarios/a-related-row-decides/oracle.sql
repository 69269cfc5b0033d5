-- table: users
SELECT u.id, u.name FROM users u JOIN accounts a ON a.id = u.account_id WHERE a.active;
