"""Vision-language models: transformers' LLaVA and Llama layouts, and the tiny one."""
