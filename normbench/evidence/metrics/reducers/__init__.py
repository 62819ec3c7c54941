"""What is made of a column's steps: one number; every file here but base.py is a word before the column."""
