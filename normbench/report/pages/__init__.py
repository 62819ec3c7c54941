"""Writes results as markdown pages."""
