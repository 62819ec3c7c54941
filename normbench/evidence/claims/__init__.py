"""Tests what a study file claims against its finished runs."""
