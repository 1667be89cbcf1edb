"""Vision-language models: methods that need likelihoods of answers, or hidden states."""
