from replicator import copy_table

copy_table("words")
