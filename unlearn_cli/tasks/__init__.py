"""A family of models answers the verbs (`verbs/`) by which methods and evaluations are written."""
