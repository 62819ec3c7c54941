"""One number read over several arms, per seed; every file here but base.py is a word before KEY."""
