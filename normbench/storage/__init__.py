"""Reads, writes, locks and removes the folders of runs and studies; loads neither torch nor statistics."""
