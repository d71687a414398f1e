"""Reads workflow files (`workflow.py`) and action files (`action.py`) into typed nodes, with everything that is wrong with them."""
