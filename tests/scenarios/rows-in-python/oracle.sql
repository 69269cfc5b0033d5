-- table: branches
SELECT id, _table, _index, `count`, `index`, __slots__, COALESCE((SELECT GROUP_CONCAT(name ORDER BY priority) FROM days WHERE branch_id = branches.id), ''), (SELECT name FROM days WHERE branch_id = branches.id ORDER BY priority LIMIT 1), (SELECT name FROM days WHERE branch_id = branches.id ORDER BY priority DESC LIMIT 1) FROM branches;
