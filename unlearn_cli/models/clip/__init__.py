"""CLIP: open_clip's models, the tiny one, zero-shot heads, prompts."""
