"""The one trainer: step, optimiser, phases and their checkpoints, cost, masks, surgery, adapters."""
