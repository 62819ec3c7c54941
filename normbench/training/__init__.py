"""Trains one run: builds its objects, runs the loop, records it and saves checkpoints."""
