"""Normalization layers; one file per variant, named as in YAML."""
