"""Everything about telling others how runs stand, put together once and handed to the routes with the other parts."""

import msgspec

from homeport.ports.forge import Forges
from homeport.server.badge_key import BadgeKey
from homeport.server.delivery import Delivery
from homeport.server.forge_credentials import VaultForgeCredentials
from homeport.server.outbox import ForgeReporter
from homeport.server.reporting import Reporting
from homeport.store.tables.statuses import TableStatuses


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """All of it is safe to use from any thread, but for `Reporting.work_off`."""

    statuses: TableStatuses
    """of all commits, to be shown"""
    reporting: Reporting
    """takes in statuses that others set, and workflows that cannot be run; call `reporter.wake` afterwards"""
    delivery: Delivery
    """says what becomes of a repository's results (`find_state`), and counts"""
    credentials: VaultForgeCredentials
    forges: Forges
    """the forge of a repository, also to be asked (credentials for git, pull requests)"""
    reporter: ForgeReporter
    badge_key: BadgeKey
