"""Applies the stream: batches of whole source transactions become single target transactions that end with the checkpoint."""
