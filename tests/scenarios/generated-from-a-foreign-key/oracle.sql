-- table: children
SELECT id, parent_id, orphan, twice FROM children;
