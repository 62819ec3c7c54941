"""Writes studies as HTML pages that open from disk and load nothing, and an index over several of them."""
