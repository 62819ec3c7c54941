"""Shows what any torch network does inside: its layers, gradients, warnings before and measures during training."""
