SELECT f.space_id, s.name, f.posts, f.stars, f.uid
FROM (SELECT space_id, uid, COUNT(*) OVER (PARTITION BY space_id) AS posts, SUM(stars) OVER (PARTITION BY space_id) AS stars,
        ROW_NUMBER() OVER (PARTITION BY space_id ORDER BY messages.stars DESC, uid) AS place
      FROM messages) f
LEFT JOIN spaces s ON s.id = f.space_id
WHERE f.place = 1
