SELECT s.id, s.name, f.posts, f.body
FROM spaces s
JOIN (SELECT space_id, body, COUNT(*) OVER (PARTITION BY space_id) AS posts,
        ROW_NUMBER() OVER (PARTITION BY space_id ORDER BY stars DESC, uid DESC) AS place
      FROM messages) f ON f.space_id = s.id
WHERE f.place = 1
