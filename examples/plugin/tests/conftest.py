"""The plugin is tested in pytest runs of its own."""

pytest_plugins = ["pytester"]
