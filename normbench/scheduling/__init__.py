"""Runs studies: plans their runs, tunes arms, estimates the cost, hands runs to an executor."""
