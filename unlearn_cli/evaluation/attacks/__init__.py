"""Attempts to draw an unlearned concept all the same."""
