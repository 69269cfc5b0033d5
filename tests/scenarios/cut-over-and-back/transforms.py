from replicator import copy_table

copy_table("customers", rename={"plan": "subscription"})
copy_table("orders")
