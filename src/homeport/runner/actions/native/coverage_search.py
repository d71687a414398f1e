"""Finds coverage and test reports as Codecov's command line does: by name, everywhere but in folders that hold none.

Source: codecov-cli, `services/upload/file_finder.py` (patterns, excluded names and folders).
"""

import os
from collections.abc import Collection, Iterator

from homeport.runner.actions.native.minimatch import Minimatch

_COVERAGE = (
    "*.clover", "*.codecov.*", "*.gcov", "*.lcov", "*.lst", "*coverage*.*", "*Jacoco*.xml", "clover.xml", "cobertura.xml",
    "codecov-result.json", "codecov.*", "cover.out", "coverage-final.json", "excoveralls.json", "gcov.info", "jacoco*.xml",
    "lcov.dat", "lcov.info", "luacov.report.out", "naxsi.info", "nosetests.xml", "report.xml", "test_cov.xml",
)  # fmt: skip
_TESTS = ("*junit*.xml", "*test*.xml", "TEST-*.xml")
_NO_REPORTS = (
    "*.am", "*.bash", "*.bat", "*.bw", "*.c", "*.cfg", "*.class", "*.cmake", "*.conf", "*.coverage", "*.cp", "*.cpp", "*.crt",
    "*.css", "*.csv", "*.data", "*.db", "*.dox", "*.ec", "*.egg", "*.egg-info", "*.el", "*.env", "*.erb", "*.exe", "*.ftl",
    "*.gif", "*.go", "*.gradle", "*.gz", "*.h", "*.html", "*.in", "*.jade", "*.jar*", "*.jpeg", "*.jpg", "*.js", "*.less",
    "*.log", "*.m4", "*.mak*", "*.map", "*.md", "*.o", "*.p12", "*.pem", "*.png", "*.pom*", "*.profdata", "*.proto", "*.ps1",
    "*.pth", "*.py", "*.pyc", "*.pyo", "*.rb", "*.rsp", "*.rst", "*.ru", "*.scss", "*.serialized", "*.sh", "*.snapshot",
    "*.sql", "*.svg", "*.tar.tz", "*.template", "*.ts", "*.tsx", "*.jsx", "*.txt", "*.whl", "*.xcconfig", "*.xcoverage.*",
    "*.yaml", "*.yml", "*.zip", "*/classycle/report.xml", "codecov.SHA256SUM*", "codecov.yml", "codecov.yaml", ".codecov.*",
    "coverage-summary.json", "coverage_html.js", "inputFiles.lst", "phpunit-coverage.xml", "remapInstanbul.coverage*.json",
    "scoverage.measurements.*", "test-result-*-codecoverage.json", "test_*_coverage.txt", "*.coveragerc",
)  # fmt: skip
_NO_FOLDERS = frozenset(
    {
        ".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "virtualenv", ".virtualenv", "__pycache__", "node_modules",
        "bower_components", ".nyc_output", ".yarn", ".yarn-cache", ".mypy_cache", ".pytest_cache", ".ruff_cache",
        "htmlcov", "js/generated/coverage", "vendor", "site-packages", ".egg-info", "eggs", ".eggs",
    }
)  # fmt: skip


def find_reports(folder: str, *, exclude: Collection[str], tests: bool) -> Iterator[str]:
    """The reports below a folder, in the order of their paths; links to folders are not followed."""
    wanted = [Minimatch(pattern) for pattern in (_TESTS if tests else _COVERAGE)]
    unwanted = [] if tests else [Minimatch(pattern) for pattern in _NO_REPORTS]
    left_out = {os.path.normpath(os.path.join(folder, name)) for name in exclude}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NO_FOLDERS and name not in exclude and os.path.join(place, name) not in left_out
        )
        for name in sorted(names):
            path = os.path.join(place, name)
            is_wanted = any(pattern.is_match(name) for pattern in wanted)
            if is_wanted and not any(pattern.is_match(name) for pattern in unwanted) and os.path.isfile(path):
                yield path
