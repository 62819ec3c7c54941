"""What the user sees: tables, figures, progress."""
