"""What is done to the weights themselves; one file per variant, named as in YAML."""
