"""Accuracies of a classifier, and whether membership can be told."""
