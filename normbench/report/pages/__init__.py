"""Writes results as markdown pages, JSON and CSV."""
