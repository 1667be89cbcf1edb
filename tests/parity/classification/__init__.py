"""Classification, and methods that every family shares."""
