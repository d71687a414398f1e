"""pypa/gh-action-pypi-publish, v1 to v1: checks distributions and uploads them to a package index, with twine.

| input | here |
|---|---|
| user, password | as the original; handed to twine in its environment, never in a command line |
| repository-url, repository_url | as the original: PyPI where it is not given |
| packages-dir, packages_dir | as the original: `dist` |
| verify-metadata, verify_metadata | as the original: `twine check` first |
| skip-existing, skip_existing | as the original |
| verbose, print-hash, print_hash | as the original |
| attestations | not made here: they need Sigstore's public services and GitHub's own identity; a warning says so, and the upload goes on without |

It has no outputs. Without a password the job's identity token is exchanged for one of the index ("trusted publishing"): the job needs
`id-token: write`, and the index has to trust the issuer of this run. Twine is the one on PATH, else one from the package index. Source:
the action's README, `action.yml`, `twine-upload.sh` and `oidc-exchange.py`.
"""

import hashlib
import os

import msgspec

from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_text, resolve_path
from homeport.runner.actions.native.pypa_twine import Twine, find_python, find_twine
from homeport.runner.actions.native.targets import is_inside
from homeport.runner.folders import read_file, remove_tree, write_file
from homeport.runner.host import ActionError, ActionHost

_RENAMED = "The inputs have been normalized to use kebab-case. Use `{}` instead."

DEFINITION = NativeDefinition(
    name="pypa/gh-action-pypi-publish",
    inputs=(
        Input("user", "__token__"),
        Input("password"),
        Input("repository-url"),
        Input("repository_url", deprecation=_RENAMED.format("repository-url")),
        Input("packages-dir"),
        Input("packages_dir", deprecation=_RENAMED.format("packages-dir")),
        Input("verify-metadata"),
        Input("verify_metadata", deprecation=_RENAMED.format("verify-metadata")),
        Input("skip-existing"),
        Input("skip_existing", deprecation=_RENAMED.format("skip-existing")),
        Input("verbose", "false"),
        Input("print-hash"),
        Input("print_hash", deprecation=_RENAMED.format("print-hash")),
        Input("attestations", "true"),
    ),
    outputs=(),
)

_PROGRAM = os.path.join(os.path.dirname(__file__), "pypa_exchange.py")
_PYPI = "https://upload.pypi.org/legacy/"
_DISTRIBUTIONS = (".tar.gz", ".whl")
_NO_PASSWORDS = (
    "As of 2024, PyPI requires all users to enable Two-Factor Authentication. This consequently requires all users to switch to either "
    "Trusted Publishers (preferred) or API tokens for package uploads. Read more: "
    "https://blog.pypi.org/posts/2023-05-25-securing-pypi-with-2fa/"
)
_IGNORED = "attestations input ignored: "
_EXCHANGE_SUMMARY = (
    "Trusted publishing exchange failure:\n\n{}\n\nYou're seeing this because the action wasn't given the inputs needed to perform "
    "password-based or token-based authentication. If you intended to perform one of those authentication methods instead of trusted "
    "publishing, then you should double-check your secret configuration and variable names.\n\nRead more about trusted publishers at "
    "https://docs.pypi.org/trusted-publishers/\n"
)


class _Inputs(msgspec.Struct, frozen=True):
    user: str
    password: str
    url: str
    folder: str
    """as it is written"""
    verify: bool
    skip_existing: bool
    verbose: bool
    print_hash: bool

    @property
    def is_trusted(self) -> bool:
        """Whether the identity token is to do: nobody gave a password."""
        return self.user == "__token__" and not self.password

    @property
    def is_pypi(self) -> bool:
        return "pypi.org" in self.url


class _Exchanged(msgspec.Struct, frozen=True):
    token: str = ""
    error: str = ""


def main(host: ActionHost) -> None:
    """Check, upload."""
    inputs = _read_inputs(host)
    if inputs.is_pypi and inputs.user != "__token__":
        raise ActionError(_NO_PASSWORDS)
    _warn_of_attestations(host, inputs)
    names = _list_distributions(host, inputs)
    if not names:
        host.annotate(
            "warning",
            "It looks like there are no Python distribution packages to publish in the directory "
            f"'{inputs.folder.rstrip('/')}/'. Please verify that they are in place should you face this problem.",
        )
    twine = find_twine(host)
    files = f"{inputs.folder.rstrip('/')}/*"
    if inputs.verify and _run(host, twine, ["check", files], {}):
        raise ActionError("twine check failed: the metadata of a distribution is not valid")
    password = _exchange(host, inputs.url) if inputs.is_trusted else inputs.password
    _warn_of_password(host, inputs, password)
    if inputs.print_hash or inputs.verbose:
        _print_hashes(host, names)
    _upload(host, inputs, twine, files, password)


def _read_inputs(host: ActionHost) -> _Inputs:
    def read(name: str, default: str) -> str:
        return get_text(host, name) or get_text(host, name.replace("-", "_")) or default

    def is_on(name: str, default: str) -> bool:
        return read(name, default).lower() != "false"

    url = read("repository-url", _PYPI)
    if not url.startswith(("https://", "http://")):
        raise ActionError(f"The repository URL '{url}' is not one of http or https")
    folder = read("packages-dir", "dist")
    if folder.startswith("-"):
        raise ActionError(f"The packages directory '{folder}' is no path")
    return _Inputs(
        user=get_text(host, "user"),
        password=get_text(host, "password"),
        url=url,
        folder=folder,
        verify=is_on("verify-metadata", "true"),
        skip_existing=is_on("skip-existing", "false"),
        verbose=is_on("verbose", "false"),
        print_hash=is_on("print-hash", "false"),
    )


def _warn_of_attestations(host: ActionHost, inputs: _Inputs) -> None:
    if get_text(host, "attestations") == "false":
        return
    if not inputs.is_trusted:
        host.annotate(
            "warning",
            f"{_IGNORED}The workflow was run with the 'attestations: true' input, but an explicit password was also set, disabling "
            "Trusted Publishing. As a result, the attestations input is ignored.",
        )
    elif not inputs.is_pypi:
        host.annotate(
            "warning",
            f"{_IGNORED}The workflow was run with 'attestations: true' input, but the specified repository URL does not support PEP 740 "
            "attestations. As a result, the attestations input is ignored.",
        )
    else:
        host.annotate(
            "warning",
            f"{_IGNORED}PEP 740 attestations are signed by Sigstore's public services for an identity that GitHub gives, which this run "
            "has not. The distributions are uploaded without; 'attestations: false' says that this is meant.",
        )


def _list_distributions(host: ActionHost, inputs: _Inputs) -> list[str]:
    folder = resolve_path(host, inputs.folder)
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.endswith(_DISTRIBUTIONS)]


def _exchange(host: ActionHost, url: str) -> str:
    """The index' token for the job's identity. Raises `ActionError`."""
    program = os.path.join(host.paths.temp, f"exchange-{os.urandom(6).hex()}.py")
    write_file(program, read_file(_PROGRAM))
    try:
        code, output = host.capture([find_python(host), "-I", program, url])
    finally:
        remove_tree(program)
    try:
        answer = msgspec.json.decode(output, type=_Exchanged)
    except msgspec.DecodeError as error:
        raise ActionError(f"trusted publishing exchange failure: the exchange ended with exit code {code}") from error
    if answer.token:
        host.mask(answer.token)
        return answer.token
    host.add_summary(_EXCHANGE_SUMMARY.format(answer.error))
    raise ActionError(f"trusted publishing exchange failure: {answer.error}")


def _warn_of_password(host: ActionHost, inputs: _Inputs, password: str) -> None:
    if inputs.user != "__token__" or password.startswith("pypi-"):
        return
    host.annotate(
        "warning",
        "It looks like you are trying to use an API token to authenticate in the package index and your token value does not start "
        'with "pypi-" as it typically should. This may cause an authentication error. Please verify that you have copied your token '
        "properly if such an error occurs.",
    )


def _print_hashes(host: ActionHost, paths: list[str]) -> None:
    host.log("Showing hash values of files to be uploaded:")
    for path in paths:
        if not is_inside(host, path):
            continue
        data = read_file(path)
        host.log(
            f"{os.path.relpath(path, host.paths.workspace)}\n"
            f"SHA256: {hashlib.sha256(data).hexdigest()}\n"
            f"MD5: {hashlib.md5(data, usedforsecurity=False).hexdigest()}\n"
            f"BLAKE2-256: {hashlib.blake2b(data, digest_size=32).hexdigest()}\n"
        )


def _upload(host: ActionHost, inputs: _Inputs, twine: Twine, files: str, password: str) -> None:
    options = ["--verbose"] if inputs.verbose else []
    options += ["--disable-progress-bar", "--non-interactive"]
    options += ["--skip-existing"] if inputs.skip_existing else []
    secrets = {
        "TWINE_USERNAME": inputs.user,
        "TWINE_PASSWORD": password,
        "TWINE_REPOSITORY_URL": inputs.url,
    }
    code = _run(host, twine, ["upload", *options, files], secrets)
    if code:
        raise ActionError(f"twine upload failed with exit code {code}: see what it says above")


def _run(host: ActionHost, twine: Twine, words: list[str], secrets: dict[str, str]) -> int:
    environment = {**host.environment, **twine.environment, **secrets}
    return host.run([*twine.words, *words], environment=environment)
