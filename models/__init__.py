"""Models: catalogue, weights, local engines, and the gateway with its transports. Only the gateway reaches a model."""
