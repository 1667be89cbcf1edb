"""Methods that need likelihoods of answers, or hidden states of a language model."""
