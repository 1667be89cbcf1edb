"""Models by family, and what they share: weight files, deltas, layers, what a builder is given."""
