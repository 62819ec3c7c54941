"""Compares the arms of a study: effects against a baseline, tables by settings, mean curves."""
