"""Weight parametrizations, which compute a weight from learned tensors; one file per variant, named as in YAML."""
