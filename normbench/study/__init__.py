"""A study file's text, checked and read into arms, seeds and what is compared."""
