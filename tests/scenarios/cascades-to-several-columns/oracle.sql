-- table: lines
SELECT l.id, l.code, l.part, o.note FROM lines_of l LEFT JOIN orders o ON o.code = l.code AND o.part = l.part;
