"""What a CLIP still recognises, by domain."""
