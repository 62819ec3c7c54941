"""Reads a study file, checks every setting, and makes its arms, seeds and baseline."""
