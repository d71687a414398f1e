"""The `sandbox` executor: each job behind a wall of namespaces that bubblewrap builds.

`executor.py` is the front door. `walls.py` says what a job sees, `supervisor.py` is the program inside that starts its commands,
`wards.py` and `cgroups.py` hold it to its limits, `passage.py` carries the native actions' conversation through the wall.
"""
