"""GitHub's REST interface as values: what runs, jobs, artifacts … look like in its answers. One place for local runs and the server.

Pure: addresses and times are handed in. Source: GitHub docs, "REST API endpoints for …", and the published OpenAPI description.
"""
