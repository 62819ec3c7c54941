"""Measures what a swap does to a network's meaning: positions that are mixed, padding that counts, equal outputs."""
