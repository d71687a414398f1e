"""Carries what the runner itself would do on a job's files to the inside of the job's wall: the stages of native actions, `hashFiles`.

`conversation.py` is what both sides say. Outside: `outside.py` starts a stage inside and answers it, `stores_outside.py` gives it the
stores. Inside: `inside.py` is the program, `host_inside.py` and `stores_inside.py` are what an action finds there.
"""
