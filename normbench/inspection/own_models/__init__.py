"""Loads a model and an input of the user's own, for the command line."""
