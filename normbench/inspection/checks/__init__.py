"""Checks a run's norms for what may go wrong before training; every file here but base.py is a check."""
