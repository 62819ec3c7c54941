"""Computes numbers line by line, as one would by hand: outputs, running statistics, steps with weight decay."""
