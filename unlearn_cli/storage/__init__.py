"""What is on the disk, whole or absent: the store, run folders, locks, tensors."""
