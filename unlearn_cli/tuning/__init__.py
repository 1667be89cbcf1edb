"""`unlearn tune`: values of methods, chosen on validation rows with the same number of trials for each."""
