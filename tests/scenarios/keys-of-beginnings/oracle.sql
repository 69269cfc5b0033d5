-- table: visits
SELECT v.id, p.title, f.size, (SELECT COALESCE(SUM(b.kind), 0) FROM blobs AS b WHERE b.hash = v.hash)
FROM visits AS v LEFT JOIN pages AS p ON p.path = v.path LEFT JOIN files AS f ON f.name = v.name;
