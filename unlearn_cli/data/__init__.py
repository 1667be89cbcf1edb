"""Rows of one space: sources, splits, sets, batches, embedded worlds. Knows no task and no method."""
