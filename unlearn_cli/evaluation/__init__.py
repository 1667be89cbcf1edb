"""Small functions that yield named numbers; `meaning.py` has each one's direction and text."""
