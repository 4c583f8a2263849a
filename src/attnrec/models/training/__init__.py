"""What gradient training shares: Adam over named arrays."""
