"""Pages of `explain`: what parts compute, measured on them, and what settings mean, read off their fields."""
