"""The formats of --format, one file each, found by itself: each writes what a command shows as text."""
