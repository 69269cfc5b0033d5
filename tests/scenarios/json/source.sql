CREATE TABLE documents (id INT PRIMARY KEY, doc JSON NULL);
INSERT INTO documents VALUES (1, 'null'), (2, NULL), (3, '{}'), (4, '[]'), (5, '{"a": 1, "b": [true, false, null], "c": {"d": "e"}}'), (6, '18446744073709551615'), (7, '-9223372036854775808'), (8, '0.1'), (9, '1e300'), (10, '"\\u0000 \\" \\\\ 😀 \\n"'), (11, '{"a": 1, "a": 2}'), (12, '{"": "", "ä": "ö"}'), (13, '"2026-01-01"'), (14, '[1.0, 1, -0.0, 12345678901234567890123]');
INSERT INTO documents VALUES (15, CONCAT(REPEAT('[', 30), REPEAT(']', 30))), (16, CONCAT('"', REPEAT('long ', 20000), '"'));
