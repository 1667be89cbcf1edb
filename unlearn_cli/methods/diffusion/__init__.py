"""Methods that need noised states, guidance or prompts."""
