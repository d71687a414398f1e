"""What is done with a push to a repository that has no workflow: requirements are installed, the syntax is checked, the tests are run.

It is a workflow like any other, written for the files that are there. What could not be looked at is never green: where there is no test,
the job `tests` is skipped, with a warning that says so, and so it is on every version of Python (before 3.12 unittest calls zero tests a
success, since then a failure; pytest always a failure). Where flake8 cannot be had, a compiler reads every file, and a warning says that
this is less.
"""

from collections.abc import Sequence

DEFAULT_FILE = "default build"
"""What stands for the path of the workflow's file."""

_REQUIREMENTS = (
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-test.txt",
    "dev-requirements.txt",
    "test-requirements.txt",
)
_PACKAGES = ("pyproject.toml", "setup.py")

_HEAD = """\
name: Default build
on: [push, pull_request]
permissions:
  contents: read
jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    outputs:
      tests: ${{ steps.tests.outputs.tests }}
    steps:
"""
_PREPARE = """\
      - uses: actions/checkout@v4
      - name: Make an environment
        run: |
          python3 -m venv "$RUNNER_TEMP/default-build"
          echo "$RUNNER_TEMP/default-build/bin" >> "$GITHUB_PATH"
"""
_INSTALL = """\
      - name: Install requirements
        timeout-minutes: 15
        run: |
"""
_CHECK = """\
      - name: Check the syntax
        run: |
          if python -m pip install --quiet --disable-pip-version-check flake8; then
            python -m flake8 --select=E9,F63,F7,F82 --show-source --statistics .
          else
            echo "::warning title=flake8 cannot be had::Only the syntax was checked: names that do not exist were not looked for."
            python -m compileall -q .
          fi
      - name: Look for tests
        id: tests
        shell: python
        run: |
          import os, pathlib, re, subprocess, sys, unittest

          # what unittest does not see: functions, and classes that nothing is the base of
          for_pytest = re.compile(r"^(?:async +)?def test|^class Test\\w*(?:\\(\\))?:", re.MULTILINE)

          def wants_pytest():
              for pattern in ("test_*.py", "*_test.py"):
                  if any(for_pytest.search(file.read_text("utf-8", "replace")) for file in pathlib.Path().rglob(pattern)):
                      return True
              for pattern in ("conftest.py", "pytest.ini", "test_*.py", "*_test.py", "requirements*.txt", "pyproject.toml", "setup.cfg", "tox.ini"):
                  for file in pathlib.Path().rglob(pattern):
                      if file.name == "conftest.py" or "pytest" in file.read_text("utf-8", "replace"):
                          return True
              return False

          def has_unit_tests():
              for start in (".", "tests", "test"):
                  if pathlib.Path(start).is_dir():
                      sys.path.insert(0, os.getcwd())
                      if unittest.TestLoader().discover(start).countTestCases():
                          return True
              return False

          if wants_pytest():
              subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pytest"], check=True)
              collected = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-q"])
              found = "none" if collected.returncode == 5 else "pytest"
          else:
              found = "unittest" if has_unit_tests() else "none"
          if found == "none":
              print("::warning title=No tests::There are no tests, so nothing is known of whether this code works.")
          with open(os.environ["GITHUB_OUTPUT"], "a") as output:
              output.write(f"tests={found}\\n")
"""
_TESTS = """\
  tests:
    needs: check
    if: needs.check.outputs.tests != 'none'
    runs-on: ubuntu-latest
    timeout-minutes: 60
    steps:
"""
_RUN = """\
      - name: Run the tests with pytest
        if: needs.check.outputs.tests == 'pytest'
        run: |
          python -m pip install --quiet --disable-pip-version-check pytest
          python -m pytest
      - name: Run the tests with unittest
        if: needs.check.outputs.tests == 'unittest'
        run: |
          export PYTHONPATH="$PWD"
          for start in . tests test; do
            if [ -d "$start" ]; then
              python -m unittest discover --verbose --start-directory "$start" || code=$?
              # 5: no tests here (Python 3.12 and later); that there are some was found before
              if [ "${code:-0}" != 0 ] && [ "$code" != 5 ]; then exit "$code"; fi
              code=0
            fi
          done
"""


def write_default_build(paths: Sequence[str]) -> str | None:
    """The workflow for a repository with these files; None where there is no Python in it, so that nothing could be said about it."""
    if not any(path.endswith(".py") for path in paths):
        return None
    prepare = _PREPARE + _write_install(set(paths))
    return _HEAD + prepare + _CHECK + _TESTS + prepare + _RUN


def _write_install(paths: set[str]) -> str:
    commands = [f"-r {name}" for name in _REQUIREMENTS if name in paths]
    if any(name in paths for name in _PACKAGES):
        commands.append("--editable .")
    if not commands:
        return ""
    lines = [f"          python -m pip install --disable-pip-version-check {words}\n" for words in commands]
    return _INSTALL + "".join(lines)
