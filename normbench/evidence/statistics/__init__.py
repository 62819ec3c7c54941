"""Statistics on arrays of numbers: paired tests, intervals, trends, growth; knows no folder."""
