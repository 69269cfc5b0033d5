SELECT m.uid, s.name, m.body, a.body, m.stars,
  COALESCE((SELECT GROUP_CONCAT(r.kind, ':', r.amount ORDER BY r.amount, r.kind SEPARATOR ',') FROM reactions r
            WHERE r.uid = m.uid), '')
FROM messages m LEFT JOIN spaces s ON s.id = m.space_id LEFT JOIN messages a ON a.uid = m.reply_to
