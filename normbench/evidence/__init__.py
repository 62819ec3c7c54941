"""What is asked and what was found; never reaches torch."""
