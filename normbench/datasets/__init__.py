"""Datasets, drawn anew from each seed; one file per variant, named as in YAML."""
