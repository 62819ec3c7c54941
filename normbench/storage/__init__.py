"""What lies on disk: run folders, identity, locks, states, removal, checked readers; no torch, no statistics."""
