"""Builds the pages of `explain` as blocks."""
