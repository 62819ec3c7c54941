"""Says what paired differences over seeds allow to say: of the typical seed, the mean, equality, the best of several."""
