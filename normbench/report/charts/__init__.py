"""Charts of a page as inline SVG, one a file: each says what it shows, of how many seeds, with which interval."""
