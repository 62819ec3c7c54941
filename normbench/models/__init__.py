"""Networks that take any norm; one file per variant, named as in YAML."""
