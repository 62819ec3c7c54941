"""Builds results as blocks of headings, tables and lines, which terminal, markdown and JSON share."""
