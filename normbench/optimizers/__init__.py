"""Optimizers, which make a step from a gradient; one file per variant, named as in YAML."""
