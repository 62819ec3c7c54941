"""The generated parts of README.md and docs/, each a function that returns text."""
