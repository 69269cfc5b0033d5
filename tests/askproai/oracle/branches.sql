SELECT b.id, b.company_id, b.name, b.slug, b.address, b.city, b.postal_code, b.country, b.phone_number,
    b.notification_email, b.website,
    JSON_OBJECT(
        'monday', JSON_EXTRACT(CONCAT('[', COALESCE(h.d1, ''), ']'), '$'),
        'tuesday', JSON_EXTRACT(CONCAT('[', COALESCE(h.d2, ''), ']'), '$'),
        'wednesday', JSON_EXTRACT(CONCAT('[', COALESCE(h.d3, ''), ']'), '$'),
        'thursday', JSON_EXTRACT(CONCAT('[', COALESCE(h.d4, ''), ']'), '$'),
        'friday', JSON_EXTRACT(CONCAT('[', COALESCE(h.d5, ''), ']'), '$'),
        'saturday', JSON_EXTRACT(CONCAT('[', COALESCE(h.d6, ''), ']'), '$'),
        'sunday', JSON_EXTRACT(CONCAT('[', COALESCE(h.d7, ''), ']'), '$')
    ) AS business_hours,
    b.calendar_mode, b.calcom_event_type_id, b.calcom_api_key, b.calcom_user_id, b.retell_agent_id, b.settings,
    b.is_active, b.created_at, b.updated_at, b.deleted_at
FROM branches b
LEFT JOIN (
    SELECT branch_id,
        GROUP_CONCAT(IF(day_of_week = 1, text, NULL) ORDER BY start_time, end_time SEPARATOR ',') AS d1,
        GROUP_CONCAT(IF(day_of_week = 2, text, NULL) ORDER BY start_time, end_time SEPARATOR ',') AS d2,
        GROUP_CONCAT(IF(day_of_week = 3, text, NULL) ORDER BY start_time, end_time SEPARATOR ',') AS d3,
        GROUP_CONCAT(IF(day_of_week = 4, text, NULL) ORDER BY start_time, end_time SEPARATOR ',') AS d4,
        GROUP_CONCAT(IF(day_of_week = 5, text, NULL) ORDER BY start_time, end_time SEPARATOR ',') AS d5,
        GROUP_CONCAT(IF(day_of_week = 6, text, NULL) ORDER BY start_time, end_time SEPARATOR ',') AS d6,
        GROUP_CONCAT(IF(day_of_week = 7, text, NULL) ORDER BY start_time, end_time SEPARATOR ',') AS d7
    FROM (
        SELECT DISTINCT branch_id, day_of_week, start_time, end_time,
            CONCAT(
                '{"open":"', TIME_FORMAT(start_time, IF(SECOND(start_time), '%H:%i:%s', '%H:%i')),
                '","close":"', TIME_FORMAT(end_time, IF(SECOND(end_time), '%H:%i:%s', '%H:%i')), '"}'
            ) AS text
        FROM working_hours
    ) intervals
    GROUP BY branch_id
) h ON h.branch_id = b.id
