"""Many runs at once: planned, submitted, followed, summed up."""
