"""Unlearning algorithms: here those that serve several families, in the rooms those of one."""
