"""Methods that need embeddings of images and texts."""
