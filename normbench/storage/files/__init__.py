"""Writes files whole or not at all, and reads JSON, YAML with places, and text that is safe to print."""
