"""Tells what paired differences over seeds say: of the typical seed, the mean, equality, the best of several."""
