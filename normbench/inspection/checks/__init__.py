"""What may go wrong with a run's norms; one check per file, found by itself."""
