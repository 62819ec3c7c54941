"""Builds results as blocks: headings, tables, lines, whatever they are written on."""
