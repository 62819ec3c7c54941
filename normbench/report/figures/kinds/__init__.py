"""Pictures of a study, one file each: what it shows is its first line."""
