"""What is measured at recorded steps besides the statistics of every tensor: one file per measure."""
