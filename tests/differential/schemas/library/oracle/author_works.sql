SELECT a.code, COUNT(b.isbn), COALESCE(GROUP_CONCAT(b.title ORDER BY b.title, b.isbn SEPARATOR '|'), '')
FROM authors a LEFT JOIN books b ON b.author_code = a.code
GROUP BY a.code
