"""Rows of one space: sources, splits, sets, batches, built-in worlds. Knows no task and no method."""
