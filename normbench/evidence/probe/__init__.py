"""Reads one pass through a network, averaged over seeds: a line per layer, and what is wrong with it."""
