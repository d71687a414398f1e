"""Variables that GitHub's hosted images set."""

from pathlib import Path

from homeport.ports.executor import JobPaths
from homeport.runner.manners.variables import find_image, hosted_variables

PATHS = JobPaths("/r", "/r/w", "/r/t", "/r/h", "/tools", "/r/a", "/r/c")


def release(folder: Path, text: str) -> str:
    file = folder / "os-release"
    file.write_text(text)
    return str(file)


def test_the_image_is_named_only_where_the_machine_is_what_it_says(tmp_path: Path) -> None:
    assert find_image(release(tmp_path, 'NAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\n')) == "ubuntu24"
    assert find_image(release(tmp_path, 'ID=debian\nVERSION_ID="12"\n')) is None
    assert find_image(str(tmp_path / "none")) is None


def test_actions_find_the_tool_cache_by_its_older_name(tmp_path: Path) -> None:
    variables = hosted_variables({}, PATHS, release(tmp_path, "ID=debian\n"))
    assert variables["AGENT_TOOLSDIRECTORY"] == "/tools"
    assert variables["DEBIAN_FRONTEND"] == "noninteractive"
    assert variables["USER"]
    assert "ImageOS" not in variables


def test_the_machines_own_locale_is_kept(tmp_path: Path) -> None:
    assert hosted_variables({}, PATHS)["LANG"] == "C.UTF-8"
    assert "LANG" not in hosted_variables({"LC_ALL": "de_DE.UTF-8"}, PATHS)
