"""Networks that normbench did not write, healthy and sick, and what a probe has to say of each."""
