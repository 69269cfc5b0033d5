"""Invoices and billing periods, as they are."""

from replicator import copy_table

copy_table("invoices")
copy_table("billing_periods")
