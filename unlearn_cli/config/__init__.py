"""From YAML to typed settings; imports nothing of the other rooms."""
