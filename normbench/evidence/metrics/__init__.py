"""Numbers of one run or of a group of arms, read from a run's tables."""
