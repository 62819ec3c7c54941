"""Looks at verdicts on claims once more: a second run on new seeds, how likely it agrees, and all that is known."""
