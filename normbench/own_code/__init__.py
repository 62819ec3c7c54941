"""The user's own code and files: finds them from the study file's folder, and imports what a path names."""
