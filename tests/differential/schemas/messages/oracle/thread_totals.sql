SELECT m.thread_id, COUNT(*),
  COALESCE((SELECT SUM(r.amount) FROM reactions r JOIN messages o ON o.uid = r.uid WHERE o.thread_id = m.thread_id), 0)
FROM messages m WHERE m.thread_id IS NOT NULL GROUP BY m.thread_id
