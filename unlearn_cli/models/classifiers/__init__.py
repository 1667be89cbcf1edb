"""Image classifiers: ResNets for small images, timm's models, the wrapper that normalises pixels."""
