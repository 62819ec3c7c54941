"""Schedules, which change the learning rate from step to step; one file per variant, named as in YAML."""
