"""Gone or hidden: what a model that seems to have forgotten still holds."""
