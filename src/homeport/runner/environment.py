"""Which variables of the host a job's commands inherit: enough to work, and nothing that is not meant for them.

The list is the project's own contract: PATH, locale, proxy and certificate settings, and those of package installers. GitHub's
runner passes on everything; a job that runs here sees what it would see on a fresh machine.
"""

from collections.abc import Collection, Mapping

_NAMES = frozenset(
    {
        "PATH",
        "LANG",
        "LANGUAGE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "FTP_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "AWS_CA_BUNDLE",
    }
)
_EITHER_CASE = frozenset(name for name in _NAMES if name.endswith("_PROXY"))
_PREFIXES = ("LC_", "PIP_", "UV_", "NPM_CONFIG_", "npm_config_")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def pick_variables(host: Mapping[str, str], pass_names: Collection[str] = ()) -> dict[str, str]:
    """The part of the host's environment that steps may see; `pass_names` are those of `--pass-env`."""
    picked = {name: value for name, value in host.items() if _is_passed(name) or name in pass_names}
    picked.setdefault("PATH", DEFAULT_PATH)
    return picked


def _is_passed(name: str) -> bool:
    return name in _NAMES or name.upper() in _EITHER_CASE or name.startswith(_PREFIXES)
