"""Builds what is shown as headings, tables and lines, whatever they are printed on."""
