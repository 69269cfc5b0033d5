-- table: pages
SELECT v.id, v.page, g.visits FROM (SELECT MIN(id) AS id, COUNT(*) AS visits FROM visits GROUP BY RIGHT(page, 1)) g JOIN visits v ON v.id = g.id;
-- table: digests
SELECT v.id, v.digest, g.visits FROM (SELECT MIN(id) AS id, COUNT(*) AS visits FROM visits GROUP BY RIGHT(digest, 1)) g JOIN visits v ON v.id = g.id;
-- table: shops
SELECT s.id, (SELECT GROUP_CONCAT(RIGHT(page, 1) ORDER BY RIGHT(page, 1) SEPARATOR '') FROM visits WHERE shop = s.id), (SELECT GROUP_CONCAT(RIGHT(digest, 1) ORDER BY RIGHT(digest, 1) SEPARATOR '') FROM visits WHERE shop = s.id) FROM shops s;
