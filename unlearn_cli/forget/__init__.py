"""What is to be forgotten: selectors of rows, and the search for worst-case sets."""
