"""Runs many runs: the plan, tuning, cost, progress, one run after another."""
