"""Reads the tables of a run layer by layer: standard deviations, probes, and findings about them."""
