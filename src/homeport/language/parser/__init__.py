"""Reads workflow and action files into typed nodes, with everything that is wrong with them."""

from homeport.language.parser.action import parse_action
from homeport.language.parser.workflow import parse_workflow

__all__ = ["parse_action", "parse_workflow"]
