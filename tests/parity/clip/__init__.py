"""CLIP: methods that need embeddings of images and texts."""
