"""Draws figures with matplotlib."""
