"""The experiment tool for machine unlearning in vision. Read `run.py` first: it is one run, top to bottom."""
