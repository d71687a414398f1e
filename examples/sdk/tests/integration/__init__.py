"""Several modules together, with the wire or AWS emulated below them."""
