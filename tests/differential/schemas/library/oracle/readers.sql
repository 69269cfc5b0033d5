SELECT l.reader, g.loans, g.days,
  COALESCE((SELECT GROUP_CONCAT(b.isbn ORDER BY b.pages, b.isbn SEPARATOR ',') FROM books b
            WHERE b.isbn IN (SELECT m.isbn FROM loans m WHERE m.reader = l.reader)), '')
FROM (SELECT MIN(id) AS id, COUNT(*) AS loans, SUM(days) AS days FROM loans WHERE reader IS NOT NULL GROUP BY reader) g
JOIN loans l ON l.id = g.id
