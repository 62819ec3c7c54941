"""Takes runs and gives back what became of them: in this process or in worker processes."""
