"""Membership inference by example: what a model gives away of single rows, by many models of known rows."""
