"""Containers through Docker's API: services, jobs and actions that run in one."""
