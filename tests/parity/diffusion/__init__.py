"""Diffusion models, and attacks on them."""
