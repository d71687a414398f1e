"""What the backend offers, one module per resource."""
