-- table: log
SELECT my_row_id, text FROM log;
