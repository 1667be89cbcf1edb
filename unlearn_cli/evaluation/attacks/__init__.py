"""Attempts to draw an unlearned concept all the same: attacks on text-to-image models so far."""
