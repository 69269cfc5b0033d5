"""The switch: freeze, drain, prove, one atomic rename, and what to do when any of it does not end."""
