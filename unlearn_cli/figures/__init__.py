"""One palette and one way to draw; the rooms above hand it data."""
