"""Methods that need a classifier's layers, head or deterministic loss."""
