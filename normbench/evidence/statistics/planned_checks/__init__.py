"""Lets a study grow: levels of planned checks, the power that is left, and a process for seeds added without a plan."""
