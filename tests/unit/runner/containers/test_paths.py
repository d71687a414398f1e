"""Where a job's folders are in its containers."""

from homeport.ports.executor import JobPaths
from homeport.runner.containers.paths import map_action, map_job
from homeport.runner.path_map import Mount

PATHS = JobPaths(
    root="/w/1-1",
    workspace="/w/1-1/app/app",
    temp="/w/1-1/_temp",
    home="/w/1-1/_home",
    tool_cache="/tools",
    actions="/w/1-1/_actions",
    commands="/w/1-1/_temp/_runner_file_commands",
)


def test_a_job_sees_its_folders_where_github_has_them() -> None:
    inside = map_job(PATHS, (Mount("/usr/bin/node", "/__e/node20/bin/node", read_only=True),)).to_inside
    assert inside("/w/1-1/app/app") == "/__w/app/app"
    assert inside("/w/1-1/app/app/src") == "/__w/app/app/src"
    assert inside("/w/1-1/_temp/_runner_file_commands/set_env_1") == "/__w/_temp/_runner_file_commands/set_env_1"
    assert inside("/w/1-1/_temp/_github_home") == "/github/home"
    assert inside("/w/1-1/_temp/_github_workflow/event.json") == "/github/workflow/event.json"
    assert inside("/tools/Python") == "/__t/Python"
    assert inside("/usr/bin/node") == "/__e/node20/bin/node"


def test_only_whole_names_are_translated() -> None:
    inside = map_job(PATHS, ()).to_inside
    assert inside("/w/1-10/x") == "/w/1-10/x"
    assert inside("see /w/1-1/app") == "see /w/1-1/app"
    assert inside("") == ""


def test_the_way_back_ends_where_it_began() -> None:
    path_map = map_job(PATHS, ())
    for path in ("/w/1-1/app/app/a.py", "/w/1-1/_temp/_github_home/.cache", "/tools/x", "/etc/passwd"):
        assert path_map.to_outside(path_map.to_inside(path)) == path


def test_a_working_tree_that_is_used_in_place_is_the_workspace() -> None:
    paths = JobPaths(
        **{name: getattr(PATHS, name) for name in PATHS.__struct_fields__} | {"workspace": "/home/ada/app"}
    )
    path_map = map_job(paths, ())
    assert path_map.to_inside("/home/ada/app/a.py") == "/__w/ada/app/a.py"
    assert path_map.binds.index("/w/1-1:/__w") < path_map.binds.index("/home/ada/app:/__w/ada/app")


def test_an_action_sees_its_folders_where_github_has_them() -> None:
    inside = map_action(PATHS).to_inside
    assert inside("/w/1-1/app/app/x") == "/github/workspace/x"
    assert inside("/w/1-1/_temp/_runner_file_commands/set_env_1") == "/github/file_commands/set_env_1"
    assert inside("/w/1-1/_temp/_github_workflow/event.json") == "/github/workflow/event.json"
    assert inside("/w/1-1/_temp") == "/github/runner_temp"
    assert inside("/tools") == "/tools"


def test_read_only_mounts_are_bound_so() -> None:
    assert "/usr/bin/node:/n:ro" in map_job(PATHS, (Mount("/usr/bin/node", "/n", read_only=True),)).binds
