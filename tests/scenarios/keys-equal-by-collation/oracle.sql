-- table: uses
SELECT u.id, u.word, w.note FROM uses u LEFT JOIN words w ON w.word = u.word;
-- table: counts
SELECT f.word, g.uses, g.least FROM (SELECT COUNT(*) AS uses, MIN(id) AS least FROM uses GROUP BY word) g JOIN uses f ON f.id = g.least;
