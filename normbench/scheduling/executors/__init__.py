"""Executors take planned runs and return what became of each; one file per kind."""
