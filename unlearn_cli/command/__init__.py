"""What `unlearn` says about itself: help, and Hydra's complaints in one line."""
