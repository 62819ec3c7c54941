"""Loads a model and an input of the user's own, and runs the model as plain Python."""
