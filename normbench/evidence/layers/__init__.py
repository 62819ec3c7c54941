"""Reads the tables of a run layer by layer: the report of standard deviations and what stands out."""
