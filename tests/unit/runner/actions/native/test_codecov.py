"""codecov/codecov-action: reports are found as the original finds them, summed up, and kept here."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from homeport.runner.actions.native import codecov
from homeport.runner.actions.native.coverage_formats import Totals, UnreadableReportError, read_totals
from homeport.runner.host import ActionError
from tests.support.action_host import FolderHost

PROGRAM = "def f(x):\n    if x:\n        return 1\n    return 2\n\n\nf(1)\n"
XML = '<coverage><classes><class filename="a.py"><lines><line number="1" hits="1"/><line number="2" hits="0"/></lines></class></classes></coverage>'


@pytest.fixture
def host(tmp_path: Path) -> FolderHost:
    return FolderHost(tmp_path / "job", github={"ref_name": "main", "action": "upload"})


def coverage(folder: Path, *commands: str) -> None:
    """Reports by coverage.py itself."""
    (folder / "program.py").write_text(PROGRAM)
    for words in (("run", "program.py"), *((command, "-q") for command in commands)):
        subprocess.run([sys.executable, "-m", "coverage", *words], cwd=folder, check=True, capture_output=True)


def record(host: FolderHost) -> tuple[dict[str, Any], list[str]]:
    """What was kept: its description, and the names in it."""
    assert host.artifacts.list("7") == [], "jobs must not see it"
    (artifact,) = host.artifacts.list("7", records=True)
    with zipfile.ZipFile(host.artifacts.archive_path(artifact)) as archive:
        return json.loads(archive.read("upload.json")), archive.namelist()


@pytest.mark.parametrize(
    ("command", "file"), [("xml", "coverage.xml"), ("lcov", "coverage.lcov"), ("json", "coverage.json")]
)
def test_a_report_is_found_summed_up_and_kept(host: FolderHost, command: str, file: str) -> None:
    coverage(host.workspace, command)
    host.environment["PYTHON"] = "3.12"
    host.use(codecov, flags="unit, linux", name="mine", env_vars="PYTHON,ABSENT")
    kept, names = record(host)
    assert names == ["upload.json", f"1-{file}"]
    assert kept["flags"] == ["unit", "linux"]
    assert kept["variables"] == {"PYTHON": "3.12"}
    assert (kept["name"], kept["branch"], kept["job"], kept["report_type"]) == ("mine", "main", "build", "coverage")
    assert kept["reports"] == [{"path": file, "file": f"1-{file}", "covered": 4, "lines": 5}]
    assert "Found 1 coverage files to report" in host.lines
    assert f"> {file}: 80.00 % (4 of 5 lines)" in host.lines
    assert f"| `{file}` | 80.00 % | 4 of 5 |" in host.summaries[0]
    assert "### Coverage (unit, linux)" in host.summaries[0]
    assert list(Path(host.paths.temp).iterdir()) == []


def test_a_second_upload_of_the_step_takes_the_place_of_the_first(host: FolderHost) -> None:
    (host.workspace / "coverage.xml").write_text(XML)
    host.use(codecov)
    host.use(codecov, flags="again")
    assert record(host)[0]["flags"] == ["again"]


def write(host: FolderHost, *paths: str) -> None:
    for path in paths:
        (host.workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (host.workspace / path).write_text(XML)


def found(host: FolderHost) -> list[str]:
    return [report["path"] for report in record(host)[0]["reports"]]


def test_reports_are_found_by_name_but_not_where_none_are(host: FolderHost) -> None:
    write(host, "coverage.xml", "deep/er/cobertura.xml", "a.lcov", "jacocoTest.xml", "report.xml", "x/cover.out")
    write(
        host,
        "node_modules/coverage.xml",
        ".git/coverage.xml",
        "coverage.py",
        "coverage.html",
        "my-coverage.yml",
        "other.xml",
    )
    host.use(codecov)
    assert found(host) == [
        "a.lcov",
        "coverage.xml",
        "jacocoTest.xml",
        "report.xml",
        "deep/er/cobertura.xml",
        "x/cover.out",
    ]


def test_named_files_come_beside_what_is_found(host: FolderHost) -> None:
    write(host, "coverage.xml", "out/one.xml", "out/two.xml")
    host.use(codecov, files="./out/*.xml, ./gone.xml")
    assert found(host) == ["out/one.xml", "out/two.xml", "coverage.xml"]
    assert host.annotations == [("warning", "Some files were not found: ./gone.xml")]


def test_the_search_can_be_switched_off_or_narrowed(host: FolderHost) -> None:
    write(host, "coverage.xml", "a/coverage.xml", "a/b/coverage.xml", "a/c/coverage.xml")
    host.use(codecov, disable_search="true", files="coverage.xml")
    assert found(host) == ["coverage.xml"]
    host.use(codecov, directory="a", exclude="b")
    assert found(host) == ["a/coverage.xml", "a/c/coverage.xml"]
    host.use(codecov, working_directory="a/b")
    assert found(host) == ["a/b/coverage.xml"]


def test_test_results_are_kept_too(host: FolderHost) -> None:
    write(host, "junit.xml", "coverage.xml")
    host.use(codecov, report_type="test_results")
    assert found(host) == ["junit.xml"]
    assert host.summaries == []


def test_a_dry_run_keeps_nothing(host: FolderHost) -> None:
    write(host, "coverage.xml")
    host.use(codecov, dry_run="true")
    assert host.artifacts.list("7", records=True) == []
    assert "> coverage.xml: 50.00 % (1 of 2 lines)" in host.lines


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "No coverage reports found. Please make sure you're generating reports successfully."),
        ({"directory": "gone"}, "does not exist"),
        ({"run_command": "panic"}, "Unknown run_command"),
        ({"report_type": "panic"}, "Invalid report_type"),
        ({"files": "../x"}, "the input 'files'"),
    ],
)
def test_an_error_fails_the_step_only_on_request(host: FolderHost, inputs: dict[str, str], message: str) -> None:
    host.use(codecov, **inputs)
    ((severity, text),) = host.annotations
    assert severity == "warning"
    assert message in text
    with pytest.raises(ActionError, match=message.replace("(", r"\(")):
        host.use(codecov, fail_ci_if_error="true", **inputs)


def test_no_reports_may_be_all_right(host: FolderHost) -> None:
    host.use(codecov, handle_no_reports_found="true", fail_ci_if_error="true")
    assert host.annotations == []


def test_commands_that_only_speak_with_codecov_do_nothing(host: FolderHost) -> None:
    host.use(codecov, run_command="send-notifications", fail_ci_if_error="true")
    assert "nothing to do" in host.log_text


def test_a_damaged_report_is_kept_and_named(host: FolderHost) -> None:
    (host.workspace / "coverage.xml").write_text("<coverage><line")
    host.use(codecov)
    assert found(host) == ["coverage.xml"]
    assert "coverage.xml cannot be read as a coverage report" in host.annotations[0][1]


def test_a_link_out_of_the_workspace_is_not_read(host: FolderHost, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (host.workspace / "coverage.xml").symlink_to(tmp_path / "secret")
    write(host, "report.xml")
    host.use(codecov, verbose="true")
    assert found(host) == ["report.xml"]
    assert any("coverage.xml (leads out of the workspace: left out)" in line for line in host.lines)


# --- formats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "totals"),
    [
        (XML, Totals(1, 2)),
        ('<?xml version="1.0"?><!DOCTYPE coverage SYSTEM "http://x.invalid/coverage-04.dtd">' + XML, Totals(1, 2)),
        (
            '<report><counter type="LINE" missed="3" covered="7"/><counter type="BRANCH" missed="1" covered="1"/></report>',
            Totals(7, 10),
        ),
        ("TN:\nSF:a.js\nDA:1,1\nDA:2,0\nend_of_record\nSF:a.js\nDA:2,5\nend_of_record\n", Totals(2, 2)),
        ("mode: set\na.go:1.2,3.4 2 1\na.go:5.2,6.4 3 0\n", Totals(2, 5)),
        ('{"totals": {"covered_lines": 3, "num_statements": 4}}', Totals(3, 4)),
        ('{"other": 1}', None),
        ("<other/>", None),
        ("anything", None),
        ("", None),
    ],
)
def test_formats_are_told_apart_by_what_they_begin_with(text: str, totals: Totals | None) -> None:
    assert read_totals(text.encode()) == totals


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><coverage>&b;</coverage>'


@pytest.mark.parametrize(
    "text", [BOMB, "<coverage>", "mode: set\nnonsense\n", '{"totals": ', "<report><counter type='LINE'/></report>"]
)
def test_what_is_damaged_or_malicious_is_refused(text: str) -> None:
    with pytest.raises(UnreadableReportError):
        read_totals(text.encode())


def test_nothing_to_run_is_no_division_by_zero() -> None:
    assert Totals(0, 0).percent == 0.0
