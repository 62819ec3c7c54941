"""Puts norms in the place of those that any network has, checks the result, and lists what was found."""
