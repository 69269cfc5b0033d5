SELECT g.tenant, g.number, g.entries, g.total, g.first_seq, e.amount
FROM (SELECT tenant, number, COUNT(*) AS entries, SUM(amount) AS total, MIN(seq) AS first_seq
      FROM entries GROUP BY tenant, number) g
JOIN entries e ON e.tenant = g.tenant AND e.number = g.number AND e.seq = g.first_seq
