"""The options of services."""

import pytest

from homeport.runner.services.create_options import HealthOptions, read_create_options


def test_health_options_are_read_with_their_units() -> None:
    options = read_create_options(
        '--health-cmd "pg_isready -U me" --health-interval=1m30s --health-timeout 500ms --health-retries 5 '
        "--health-start-period 10s --health-start-interval 1s"
    )
    assert options.refused == ()
    assert options.health == HealthOptions(
        command="pg_isready -U me", interval=90, timeout=0.5, retries=5, start_period=10
    )
    assert options.health.patience == 460


def test_without_health_options_dockers_defaults_hold() -> None:
    health = read_create_options("").health
    assert (health.command, health.interval, health.timeout, health.retries, health.start_period) == (
        None,
        30,
        30,
        3,
        0,
    )
    assert read_create_options("--health-interval 0").health.interval == 30


def test_no_healthcheck_leaves_the_image_without_one() -> None:
    assert read_create_options("--no-healthcheck").health.command == ""


def test_variables_ports_and_volumes_may_stand_in_options() -> None:
    options = read_create_options("-e A=1 --env B=2 -p 80:80 -v /a:/b --volume=/c:/d -eC=3")
    assert options.env == {"A": "1", "B": "2", "C": "3"}
    assert options.ports == ("80:80",)
    assert options.volumes == ("/a:/b", "/c:/d")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("--memory 1g --cpus=2", ["--memory", "--cpus"]),
        ("-m 1g -u 1000 -h db", ["--memory", "--user", "--hostname"]),
        ("--privileged", ["--privileged"]),
        ("--name db --label a=b --rm --restart always", []),
        ("--memory 1g --memory 2g", ["--memory"]),
    ],
)
def test_what_has_no_effect_is_said_where_a_job_could_miss_it(text: str, words: list[str]) -> None:
    options = read_create_options(text)
    assert options.refused == ()
    assert [remark.split()[2] for remark in options.without_effect] == words


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("--network host", "--network is not supported"),
        ("--net=host", "--net is not supported"),
        ("--heath-cmd x", "--heath-cmd is not known"),
        ("--health-cmd 'curl localhost'", "'localhost''"),
        ("--health-retries many", "'many'"),
        ("--health-interval 10", "'10'"),
        ("--health-interval 10seconds", "'10seconds'"),
        ("stray", "'stray'"),
        ("--health-cmd", "has no value"),
    ],
)
def test_what_cannot_be_done_is_refused(text: str, problem: str) -> None:
    assert any(problem in refused for refused in read_create_options(text).refused)
