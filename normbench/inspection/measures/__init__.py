"""Measures recorded steps beyond the statistics of every tensor; every file here but base.py is a measure."""
