"""Records a run while it trains: CSV tables, the TensorBoard log, or memory."""
