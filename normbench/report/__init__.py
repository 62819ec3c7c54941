"""What the user sees: blocks of tables and lines, pictures, pages, progress."""
