SELECT b.isbn, a.name, a.born, s.room, b.genre, b.pages
FROM books b LEFT JOIN authors a ON a.code = b.author_code LEFT JOIN shelves s ON s.label = b.shelf
