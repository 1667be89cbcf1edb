"""Sparse autoencoders of activations, for diffusion models and VLMs."""
