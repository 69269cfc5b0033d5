from replicator import copy_table, drop_table

copy_table("items")
drop_table("strangers", reason="nobody reads it")
