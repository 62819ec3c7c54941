"""Pages of `explain` as blocks."""
