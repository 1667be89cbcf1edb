"""A family of models answers the verbs (`verbs.py`) by which methods and evaluations are written."""
