"""What each JSON of normbench holds: the keys of an object, their types and meaning, with a version."""
