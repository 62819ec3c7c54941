"""One run, watched."""
