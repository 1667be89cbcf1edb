"""The process: device and precision, seeds, signals to stop, progress. Everything above may use it."""
