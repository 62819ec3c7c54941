"""Finds the layers of any torch module, records what passes through them, and puts the module back."""
