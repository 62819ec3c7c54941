"""Data of which there are only so many rows: reads them and splits them by seed."""
