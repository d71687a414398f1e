"""Every endpoint of the interface: the routes are made of this table, and so is its description."""

from homeport.server.api import (
    artifacts,
    caches,
    checks,
    contents,
    dispatches,
    environments,
    logs,
    making_checks,
    meta,
    operations,
    repositories,
    runs,
    secrets,
    sharing,
    statuses,
    variables,
    workflows,
)
from homeport.server.api.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *meta.ENDPOINTS,
    *workflows.ENDPOINTS,
    *runs.ENDPOINTS,
    *logs.ENDPOINTS,
    *operations.ENDPOINTS,
    *dispatches.ENDPOINTS,
    *artifacts.ENDPOINTS,
    *caches.ENDPOINTS,
    *secrets.ENDPOINTS,
    *variables.ENDPOINTS,
    *sharing.ENDPOINTS,
    *environments.ENDPOINTS,
    *statuses.ENDPOINTS,
    *checks.ENDPOINTS,
    *making_checks.ENDPOINTS,
    *repositories.ENDPOINTS,
    *contents.ENDPOINTS,
)
"""In the order in which routes are tried: what takes the rest of an address comes after what has a name there."""
