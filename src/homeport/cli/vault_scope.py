"""Whose secrets and variables a command is about: `--repo`, `--org`, `--environment`."""

from homeport.cli.errors import UsageError
from homeport.cli.options import Option, Options
from homeport.cli.server_client import repository_path, segment

SCOPE_OPTIONS = (
    Option(name="--repo", value="OWNER/NAME", help="of one repository"),
    Option(name="--org", value="OWNER", help="of all repositories of an owner"),
    Option(name="--environment", value="NAME", help="of one environment of the repository"),
    Option(
        name="--visibility",
        value="all|private|selected",
        help="which repositories of the owner may use it (default: all)",
        choices=("all", "private", "selected"),
    ),
    Option(name="--for", value="OWNER/NAME", help="with --visibility selected: one that may use it", repeat=True),
)


def scope_path(options: Options, kind: str, group: str = "actions") -> str:
    """The path above `secrets` or `variables`, by GitHub's interface; `group` says whose runs they are for. Raises `UsageError`."""
    repository, owner, environment = (options.find(name) for name in ("--repo", "--org", "--environment"))
    if (repository is None) == (owner is None):
        raise UsageError("whose? one of --repo and --org is needed", f"--repo owner/name, or --org owner, for {kind}")
    if owner is not None:
        if environment is not None:
            raise UsageError("--environment belongs to --repo: an owner has no environments")
        return f"/api/v3/orgs/{segment(owner)}/{group}/{kind}"
    assert repository is not None
    if options.find("--visibility") or options.all("--for"):
        raise UsageError("--visibility and --for belong to --org: a repository's are its own")
    above = f"/api/v3/repos/{repository_path(repository)}"
    if environment is None:
        return f"{above}/{group}/{kind}"
    if group != "actions":
        raise UsageError(f"--app {group} has none of environments", "leave --environment out")
    return f"{above}/environments/{segment(environment)}/{kind}"
