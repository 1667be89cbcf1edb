"""The one trainer: step, optimiser, checkpoints, cost, masks, gradient surgery, adapters."""
