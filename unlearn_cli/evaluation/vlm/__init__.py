"""Questions and answers: what is still named, what else is still answered."""
