"""Writes files completely or not at all; reads JSON, and YAML with the line of each value; makes text safe to print."""
