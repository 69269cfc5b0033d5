from replicator import copy_table, keep_table

copy_table("items")
keep_table("archive", reason="of others")
keep_table("other", reason="of others")
