"""Tensors of rabbit, read and written. `input_tensor` holds the format."""
