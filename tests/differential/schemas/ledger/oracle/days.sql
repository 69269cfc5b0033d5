SELECT tenant, number, seq, booked, entries
FROM (SELECT tenant, number, seq, booked, COUNT(*) OVER (PARTITION BY booked) AS entries,
        ROW_NUMBER() OVER (PARTITION BY booked ORDER BY tenant, number, seq) AS place
      FROM entries) f
WHERE place = 1
