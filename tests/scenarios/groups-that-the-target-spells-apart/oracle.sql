-- table: teams
SELECT f.team, m.id * 1000 + f.id, m.role FROM members m JOIN members f ON f.team <=> m.team
WHERE f.id = (SELECT MIN(o.id) FROM members o WHERE o.team <=> m.team);
