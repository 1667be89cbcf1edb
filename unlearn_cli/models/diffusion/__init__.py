"""Diffusion models: class-conditional UNets, text-to-image pipelines, the sampler."""
