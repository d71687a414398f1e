"""The problem matcher that setup-python and setup-uv add: a Python traceback's place, and the message that is raised there.

Source: `.github/python.json` of both actions.
"""

import msgspec

_PLACE = {"regexp": r'^\s*File\s"(.*)",\sline\s(\d+),\sin\s(.*)$', "file": 1, "line": 2}
_MESSAGE = {"regexp": r"^\s*raise\s(.*)\('(.*)'\)$", "message": 2}
TRACEBACK_MATCHER = msgspec.json.encode({"problemMatcher": [{"owner": "python", "pattern": [_PLACE, _MESSAGE]}]})
