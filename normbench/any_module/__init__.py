"""Calls any torch module as its user does, and leaves it as it was: tensors, modes, hooks, random states."""
