"""Statistics on lists of numbers: paired tests, intervals, trends, growth; reads no file."""
