"""Prints results on a terminal."""
