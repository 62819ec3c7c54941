"""Tables from CSV files: reads cells strictly, tells mistakes by line and column, encodes columns by training rows."""
