"""Everything that takes events in and plans them, put together once and handed to the routes with the other parts."""

import msgspec
from starlette.routing import BaseRoute

from homeport.server.chains import Chains
from homeport.server.deliveries import Deliveries
from homeport.server.dispatches import Dispatches
from homeport.server.git_remote import GitRemote
from homeport.server.hooks import Hooks
from homeport.server.planning import Planner
from homeport.server.polling import Polling
from homeport.server.pushes import Pushes
from homeport.server.schedules import Schedules
from homeport.store.tables.directory import TableWorkflows
from homeport.store.tables.events import TableEvents


class Happenings(msgspec.Struct, frozen=True, kw_only=True):
    """All of it is safe to use from any thread."""

    events: TableEvents
    """what has happened, and what it meant for each workflow: also why one did not start"""
    workflows: TableWorkflows
    planner: Planner
    """the `Intake`"""
    pushes: Pushes
    remote: GitRemote
    deliveries: Deliveries
    hooks: Hooks
    dispatches: Dispatches
    schedules: Schedules
    polling: Polling
    chains: Chains
    """`hear` is to be told what is durable"""

    @property
    def background(self) -> tuple[Planner | Pushes | Deliveries | Schedules | Polling | Chains, ...]:
        """In the order in which they begin."""
        return (self.planner, self.pushes, self.deliveries, self.schedules, self.polling, self.chains)

    @property
    def routes(self) -> list[BaseRoute]:
        """Before those of pages: git's paths are below `/{owner}/{repo}`."""
        return [*self.hooks.routes, *self.remote.routes]
