"""Ranks what tuning tried, and tells whether verdicts stay the same at each arm's second-best values."""
