"""Every method against its paper or the released program, computed a second time in plain torch."""
