"""Trains several runs as one, where they differ in their seeds and in numbers alone."""
