"""Writes blocks and progress on a terminal."""
