"""What TensorBoard is served: runs under short names, a page of text per study, the settings in which arms differ."""
