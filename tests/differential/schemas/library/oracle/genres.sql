SELECT g.first_isbn, b.genre, g.books, g.pages
FROM (SELECT MIN(isbn) AS first_isbn, COUNT(*) AS books, SUM(pages) AS pages FROM books GROUP BY genre) g
JOIN books b ON b.isbn = g.first_isbn
