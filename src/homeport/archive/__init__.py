"""The doorway to archives: packing files, and unpacking what somebody else packed without trusting it."""
