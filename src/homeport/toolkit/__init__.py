"""The services that unmodified actions call: artifacts, caches, identity tokens, and some of the forge's REST interface."""
