"""Executors make planned runs and yield their results; one file per kind."""
