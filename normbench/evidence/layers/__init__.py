"""Reads the tables of a run layer by layer: standard deviations, probes.csv, and findings about them."""
