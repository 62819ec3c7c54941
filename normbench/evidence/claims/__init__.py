"""Tests the claims of a study file against its finished runs."""
