"""Models by family (a family's room is its own); here what families share: weight files, deltas, layers."""
