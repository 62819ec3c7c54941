"""Where samples come from; one file per variant, named as in YAML."""
