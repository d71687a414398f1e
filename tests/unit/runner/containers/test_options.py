"""The `options` of a container, as the body of Docker's API."""

import pytest

from homeport.runner.containers.options import OptionError, read_options


def test_health_options_are_a_check_in_nanoseconds() -> None:
    options = read_options(
        '--health-cmd "pg_isready -U app" --health-interval 10s --health-timeout=1m30s --health-retries 5 --health-start-period 500ms'
    )
    assert options.body["Healthcheck"] == {
        "Test": ["CMD-SHELL", "pg_isready -U app"],
        "Interval": 10 * 10**9,
        "Timeout": 90 * 10**9,
        "Retries": 5,
        "StartPeriod": 500 * 10**6,
    }


@pytest.mark.parametrize(
    ("text", "place", "value"),
    [
        ("--memory 512m", "Memory", 512 << 20),
        ("-m 1.5g", "Memory", 3 << 29),
        ("--memory-swap -1", "MemorySwap", -1),
        ("--cpus 1.5", "NanoCpus", 1_500_000_000),
        ("--shm-size=64mb", "ShmSize", 64 << 20),
        ("--privileged", "Privileged", True),
        ("--init=false", "Init", False),
        ("--cap-add NET_ADMIN --cap-add SYS_TIME", "CapAdd", ["NET_ADMIN", "SYS_TIME"]),
        ("--cap-drop ALL", "CapDrop", ["ALL"]),
        ("--add-host db:10.0.0.1", "ExtraHosts", ["db:10.0.0.1"]),
        ("--add-host db=10.0.0.1", "ExtraHosts", ["db:10.0.0.1"]),
        ("--tmpfs /run:size=1m,mode=755", "Tmpfs", {"/run": "size=1m,mode=755"}),
        ("--ulimit nofile=1024:2048", "Ulimits", [{"Name": "nofile", "Soft": 1024, "Hard": 2048}]),
        ("--ulimit core=0", "Ulimits", [{"Name": "core", "Soft": 0, "Hard": 0}]),
        ("--restart on-failure:3", "RestartPolicy", {"Name": "on-failure", "MaximumRetryCount": 3}),
        ("--sysctl net.core.somaxconn=1024", "Sysctls", {"net.core.somaxconn": "1024"}),
        ("--log-driver none", "LogConfig", {"Type": "none"}),
        (
            "--mount type=bind,src=/a,dst=/b,readonly",
            "Mounts",
            [{"Type": "bind", "Target": "/b", "ReadOnly": True, "Source": "/a"}],
        ),
    ],
)
def test_an_option_for_the_host_is_where_dockers_api_has_it(text: str, place: str, value: object) -> None:
    assert read_options(text).host == {place: value}


@pytest.mark.parametrize(
    ("text", "place", "value"),
    [
        ("--user 1000:1000", "User", "1000:1000"),
        ("-u root", "User", "root"),
        ("--hostname=db", "Hostname", "db"),
        ("-h db", "Hostname", "db"),
        ("--workdir /srv", "WorkingDir", "/srv"),
        ("--entrypoint sh", "Entrypoint", ["sh"]),
        ("--expose 80", "ExposedPorts", {"80/tcp": {}}),
        ("--no-healthcheck", "Healthcheck", {"Test": ["NONE"]}),
        ("--stop-timeout 5", "StopTimeout", 5),
    ],
)
def test_an_option_for_the_container_is_where_dockers_api_has_it(text: str, place: str, value: object) -> None:
    assert read_options(text).body == {place: value}


def test_what_others_need_to_create_the_container_is_kept_apart() -> None:
    options = read_options(
        '-e A=1 -eB=2 --env "C=a b" -v /data -p 80 --label x=y --name db --network-alias other --platform linux/arm64 --rm'
    )
    assert options.environment == ["A=1", "B=2", "C=a b"]
    assert options.volumes == ["/data"]
    assert options.ports == ["80"]
    assert options.labels == {"x": "y"}
    assert options.aliases == ["other"]
    assert (options.name, options.platform) == ("db", "linux/arm64")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("--foo", "the option --foo is not known"),
        ("--network host", "--network is not supported, as on GitHub"),
        ("--net=host", "--network is not supported, as on GitHub"),
        ("--env-file x", "--env-file is not supported"),
        ("--env SECRET", "the runner's own environment"),
        ("image", "'image' in its options is not an option"),
        ("--memory", "--memory has no value"),
        ("--memory lots", "'lots' in its options is not a size"),
        ("--health-interval 5", "'5' in its options is not a duration"),
        ("--health-retries many", "'many' in its options is not a whole number"),
        ("--cpus two", "'two' in its options is not a number"),
        ("--privileged=perhaps", "expected true or false"),
        ("--mount whatever", "--mount whatever cannot be read"),
    ],
)
def test_an_option_that_cannot_be_carried_out_is_refused(text: str, problem: str) -> None:
    with pytest.raises(OptionError, match=problem):
        read_options(text)


def test_no_options_are_none() -> None:
    options = read_options("")
    assert (options.body, options.host, options.environment) == ({}, {}, [])
