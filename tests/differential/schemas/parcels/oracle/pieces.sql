SELECT p.id, n.number, p.weight DIV p.pieces, CONCAT(p.code, '/', n.number)
FROM parcels p JOIN (SELECT 1 AS number UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) n ON n.number <= p.pieces
