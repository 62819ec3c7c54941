"""How a gradient becomes a step; one file per variant, named as in YAML."""
