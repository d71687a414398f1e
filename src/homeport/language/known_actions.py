"""What is published of well-known actions: their inputs and outputs by major version, and which versions are too old to run.

Source: the `action.yml` of each repository named here. A row holds what any release of its major versions takes, so that only what
none of them knows is a mistake. Later major versions are not known, and neither are branches and commits.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

_CACHE = "path! key! enableCrossOsArchive"
_SETUP = "check-latest token cache cache-dependency-path architecture"

_ROWS: Mapping[str, tuple[tuple[range, str, str | None], ...]] = {
    # action: (major versions, inputs (`!` is required), outputs (None: it may set others too))
    "actions/checkout": (
        (
            range(4, 7),
            "repository ref token ssh-key ssh-known-hosts ssh-strict ssh-user persist-credentials path clean filter sparse-checkout "
            "sparse-checkout-cone-mode fetch-depth fetch-tags show-progress lfs submodules set-safe-directory github-server-url",
            "ref commit",
        ),
    ),
    "actions/setup-python": (
        (
            range(5, 7),
            f"python-version python-version-file {_SETUP} update-environment allow-prereleases freethreaded pip-version pip-install",
            "python-version cache-hit python-path",
        ),
    ),
    "actions/setup-node": (
        (
            range(4, 7),
            f"node-version node-version-file {_SETUP} always-auth registry-url scope mirror mirror-token package-manager-cache",
            "cache-hit node-version",
        ),
        (
            range(7, 8),
            f"node-version node-version-file {_SETUP} registry-url scope mirror mirror-token package-manager-cache",
            "cache-hit node-version cache-primary-key cache-matched-key",
        ),
    ),
    "actions/setup-go": ((range(5, 7), f"go-version go-version-file {_SETUP}", "go-version cache-hit"),),
    "actions/setup-java": (
        (
            range(4, 6),
            f"java-version java-version-file distribution java-package {_SETUP} jdk-file jdkFile force-download set-default verify-signature "
            "verify-signature-public-key server-id server-username server-username-env-var server-password server-password-env-var "
            "settings-path overwrite-settings gpg-private-key gpg-passphrase gpg-passphrase-env-var cache-jdk cache-path cache-read-only "
            "job-status mvn-toolchain-id mvn-toolchain-vendor show-download-progress problem-matcher",
            "distribution version path cache-hit cache-primary-key",
        ),
    ),
    "actions/cache": (
        (
            range(4, 6),
            f"{_CACHE} restore-keys upload-chunk-size fail-on-cache-miss lookup-only save-always",
            "cache-hit",
        ),
    ),
    "actions/cache/restore": (
        (
            range(4, 6),
            f"{_CACHE} restore-keys fail-on-cache-miss lookup-only",
            "cache-hit cache-primary-key cache-matched-key",
        ),
    ),
    "actions/cache/save": ((range(4, 6), f"{_CACHE} upload-chunk-size", ""),),
    "actions/upload-artifact": (
        (
            range(4, 7),
            "name path! if-no-files-found retention-days compression-level overwrite include-hidden-files",
            "artifact-id artifact-url artifact-digest",
        ),
        (
            range(7, 8),
            "name path! if-no-files-found retention-days compression-level overwrite include-hidden-files archive",
            "artifact-id artifact-url artifact-digest",
        ),
    ),
    "actions/upload-artifact/merge": (
        (
            range(4, 8),
            "name pattern if-no-files-found separate-directories retention-days compression-level delete-merged include-hidden-files",
            "artifact-id artifact-url artifact-digest",
        ),
    ),
    "re-actors/alls-green": ((range(1, 2), "jobs! allowed-failures allowed-skips", "failure result success"),),
    "pypa/gh-action-pypi-publish": (
        (
            range(1, 2),
            "user password repository-url repository_url packages-dir packages_dir verify-metadata verify_metadata skip-existing "
            "skip_existing verbose print-hash print_hash attestations",
            "",
        ),
    ),
    "codecov/codecov-action": (
        (
            range(4, 6),
            "files file directory root_dir working-directory disable_search exclude report_type flags name env_vars "
            "fail_ci_if_error handle_no_reports_found dry_run verbose run_command token url slug use_oidc "
            "use_legacy_upload_endpoint git_service job_code report_code base_sha commit_parent override_branch "
            "override_build override_build_url override_commit override_pr os network_filter network_prefix "
            "disable_file_fixes force recurse_submodules codecov_yml_path binary version use_pypi skip_validation "
            "disable_telem disable_safe_directory plugin plugins gcov_args gcov_executable gcov_ignore gcov_include "
            "swift_project",
            "",
        ),
    ),
    "actions/download-artifact": (
        (
            range(4, 7),
            "name artifact-ids path pattern merge-multiple github-token repository run-id",
            "download-path artifacts",
        ),
        (
            range(7, 9),
            "name artifact-ids path pattern merge-multiple github-token repository run-id skip-decompress digest-mismatch",
            "download-path artifacts",
        ),
    ),
    "actions/github-script": (
        (
            range(7, 9),
            "script! github-token debug user-agent previews result-encoding retries retry-exempt-status-codes base-url",
            None,
        ),
    ),
    "astral-sh/setup-uv": (
        (
            range(5, 11),
            "version version-file pyproject-file uv-file python-version activate-environment no-project venv-path working-directory checksum "
            "github-token server-url download-from-astral-mirror enable-cache cache-dependency-glob restore-cache save-cache cache-suffix "
            "cache-local-path prune-cache cache-python ignore-nothing-to-cache ignore-empty-workdir tool-dir tool-bin-dir manifest-file "
            "python-arch add-problem-matchers quiet resolution-strategy",
            "uv-version uv-path uvx-path cache-hit cache-key venv python-version python-cache-hit",
        ),
    ),
    "pre-commit/action": ((range(3, 4), "extra_args", ""),),
    "snok/install-poetry": (
        (
            range(1, 2),
            "version virtualenvs-create virtualenvs-in-project virtualenvs-path installer-parallel installation-arguments plugins",
            "",
        ),
    ),
    "reviewdog/action-actionlint": (
        (
            range(1, 2),
            "github_token tool_name level reporter filter_mode fail_level fail_on_error reviewdog_flags actionlint_flags",
            "",
        ),
    ),
}

_DEPRECATED: Mapping[tuple[str, str], str] = {
    ("actions/setup-java", "jdkfile"): "use 'jdk-file'",
    (
        "actions/cache",
        "save-always",
    ): "it does not work as intended; use actions/cache/save in a step with 'if: always()'",
    ("reviewdog/action-actionlint", "fail_on_error"): "use 'fail_level'",
    ("codecov/codecov-action", "file"): "use 'files'",
    ("pypa/gh-action-pypi-publish", "repository_url"): "use 'repository-url'",
    ("pypa/gh-action-pypi-publish", "packages_dir"): "use 'packages-dir'",
    ("pypa/gh-action-pypi-publish", "verify_metadata"): "use 'verify-metadata'",
    ("pypa/gh-action-pypi-publish", "skip_existing"): "use 'skip-existing'",
    ("pypa/gh-action-pypi-publish", "print_hash"): "use 'print-hash'",
}
"""By action and input in lower case."""

_LAST_ON_OLD_NODE: Mapping[str, int] = {
    "actions/cache": 3,
    "actions/cache/restore": 3,
    "actions/cache/save": 3,
    "actions/checkout": 3,
    "actions/configure-pages": 3,
    "actions/dependency-review-action": 3,
    "actions/download-artifact": 3,
    "actions/github-script": 6,
    "actions/labeler": 4,
    "actions/setup-dotnet": 3,
    "actions/setup-go": 4,
    "actions/setup-java": 3,
    "actions/setup-node": 3,
    "actions/setup-python": 4,
    "actions/stale": 8,
    "actions/upload-artifact": 3,
    "aws-actions/configure-aws-credentials": 3,
    "docker/build-push-action": 4,
    "docker/login-action": 2,
    "docker/metadata-action": 4,
    "docker/setup-buildx-action": 2,
    "docker/setup-qemu-action": 2,
    "dorny/paths-filter": 2,
    "github/codeql-action/analyze": 2,
    "github/codeql-action/autobuild": 2,
    "github/codeql-action/init": 2,
    "github/codeql-action/upload-sarif": 2,
    "peaceiris/actions-gh-pages": 3,
    "softprops/action-gh-release": 1,
}
"""The last major version that was written for Node 16 or older, which no runner has any more."""

_LAST_REFUSED: Mapping[str, int] = {
    "actions/cache": 2,
    "actions/download-artifact": 3,
    "actions/upload-artifact": 3,
}
"""The last major version whose jobs GitHub fails by itself (GitHub changelog, 16 April and 5 December 2024)."""


class KnownAction(msgspec.Struct, frozen=True):
    """One action at one major version."""

    name: str
    inputs: tuple[str, ...]
    required: tuple[str, ...]
    outputs: tuple[str, ...] | None
    """None: it may set others than those it declares"""

    def deprecation(self, name: str) -> str | None:
        """What to do in place of an input that is deprecated."""
        return _DEPRECATED.get((self.name, name.lower()))


def find_known_action(uses: str) -> KnownAction | None:
    """What is known of `owner/repo[/path]@v4` (or `@v4.2.1`)."""
    name, major = _split(uses)
    for majors, inputs, outputs in _ROWS.get(name, ()):
        if major in majors:
            words = inputs.split()
            return KnownAction(
                name=name,
                inputs=tuple(word.rstrip("!") for word in words),
                required=tuple(word.rstrip("!") for word in words if word.endswith("!")),
                outputs=None if outputs is None else tuple(outputs.split()),
            )
    return None


def find_age(uses: str) -> Literal["old", "refused"] | None:
    """Whether a version of a well-known action is too old: for the runner's Node, or altogether."""
    name, major = _split(uses)
    if not 0 <= major <= _LAST_ON_OLD_NODE.get(name, -1):
        return None
    return "refused" if major <= _LAST_REFUSED.get(name, -1) else "old"


def _split(uses: str) -> tuple[str, int]:
    """The action and its major version; -1 where that is not what the ref says."""
    path, _, ref = uses.partition("@")
    numbers = ref.removeprefix("v").split(".")
    is_version = all(number.isascii() and number.isdigit() and len(number) < 5 for number in numbers)
    return path.lower().rstrip("/"), int(numbers[0]) if is_version else -1
