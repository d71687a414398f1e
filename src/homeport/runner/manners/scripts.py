"""The small programs that stand in for what a machine lacks: static text, in POSIX shell, so that nothing is built from data."""

PYTHON = """\
#!/bin/sh
# A Python of the job's own, made when it is first asked for: what pip installs without setup-python goes with the job, and neither the
# machine's Python nor its owner's is changed. It sees what the machine's own Python sees.
here=${0%/*}
name=${0##*/}
machine=
set -f
IFS=:
for folder in $PATH; do
    if [ "$folder" != "$here" ] && [ -x "$folder/python3" ] && [ ! -d "$folder/python3" ]; then
        machine=$folder/python3
        break
    fi
done
unset IFS
set +f
if [ -z "$machine" ]; then
    echo "$name: there is no Python on this machine: install it (Debian, Ubuntu: apt-get install python3; macOS: brew install python)" >&2
    exit 127
fi
own=${RUNNER_TEMP:+${RUNNER_TEMP%/*}/_python}
if [ -n "$own" ] && [ ! -x "$own/bin/python3" ]; then
    if ! "$machine" -I "$here/../job_python.py" "$own" >&2; then
        own=
        case $name in
            pip*)
                echo "$name: the job's own Python could not be made, and the machine's is not to be changed" >&2
                exit 1
                ;;
        esac
    fi
fi
[ -n "$own" ] && machine=$own/bin/python3
case $name in
    pip*) ;;
    *) exec "$machine" "$@" ;;
esac
if ! "$machine" -c 'import pip' 2>/dev/null; then
    echo "$name: the Python of this machine has no pip: install it (Debian, Ubuntu: apt-get install python3-pip)" >&2
    exit 127
fi
exec "$machine" -m pip "$@"
"""

JOB_PYTHON = '''\
"""Makes a virtual environment over the Python that runs this, which sees all that that one sees. Whole or not at all.

A Python without pip (Debian has it in a package of its own) gets the one that the machine keeps for virtual environments, if it does.
"""

import glob
import os
import shutil
import sys
import zipfile

try:
    from importlib.util import find_spec
    has_pip = find_spec("pip") is not None
except ImportError:
    has_pip = False


def find_wheel():
    folders = ["/usr/share/python-wheels", "/usr/share/python-pip-wheels"]
    try:
        import ensurepip
        folders.insert(0, os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"))
    except ImportError:
        pass
    found = [wheel for folder in folders for wheel in sorted(glob.glob(os.path.join(folder, "pip-*.whl")))]
    return found[0] if found else None


target = sys.argv[1]
short = "%d.%d" % sys.version_info[:2]
base = os.path.join(sys.base_prefix, "bin", "python" + short)
if not os.access(base, os.X_OK):
    base = os.path.realpath(sys.executable)
made = "%s.%d.new" % (target, os.getpid())
site = os.path.join(made, "lib", "python" + short, "site-packages")
os.makedirs(site)
os.mkdir(os.path.join(made, "bin"))
os.symlink(base, os.path.join(made, "bin", "python3"))
for name in ("python", "python" + short):
    os.symlink("python3", os.path.join(made, "bin", name))
settings = "home = %s\\ninclude-system-site-packages = true\\nversion = %d.%d.%d\\n"
with open(os.path.join(made, "pyvenv.cfg"), "w") as file:
    file.write(settings % ((os.path.dirname(base),) + tuple(sys.version_info[:3])))
wheel = None if has_pip else find_wheel()
if wheel is not None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
program = "#!%s/bin/python3\\nimport runpy\\nrunpy.run_module('pip', run_name='__main__', alter_sys=True)\\n" % target
for name in ("pip", "pip3", "pip" + short) if has_pip or wheel is not None else ():
    with open(os.path.join(made, "bin", name), "w") as file:
        file.write(program)
    os.chmod(os.path.join(made, "bin", name), 0o755)
try:
    os.rename(made, target)
except OSError:  # another step was quicker
    shutil.rmtree(made)
    if not os.path.exists(os.path.join(target, "bin", "python3")):
        raise
'''

SUDO = """\
#!/bin/sh
# sudo where the machine has none, or none that can work: root needs no more rights, so the command simply runs.
if [ "$(id -u)" != 0 ]; then
    if grep -q '^NoNewPrivs:[[:space:]]*1' /proc/self/status 2>/dev/null; then
        echo "sudo: nobody becomes root in a sandbox: a job that has to needs a container" >&2
        exit 1
    fi
    echo "sudo: the job does not run as root, and sudo cannot be had here: install it and allow it without a password, or leave it out" >&2
    exit 1
fi
user=
folder=
while [ $# -gt 0 ]; do
    case $1 in
        --) shift; break ;;
        -u | --user) user=${2-}; shift 2 || exit 1 ;;
        --user=*) user=${1#*=}; shift ;;
        -D | --chdir) folder=${2-}; shift 2 || exit 1 ;;
        --chdir=*) folder=${1#*=}; shift ;;
        -g | --group | -p | --prompt | -C | --close-from | -h | --host | -T | --command-timeout | -r | --role | -t | --type | -R | --chroot)
            shift 2 || exit 1 ;;
        -v | --validate | -k | --reset-timestamp | -K | --remove-timestamp | -l | --list)
            [ $# -gt 1 ] || exit 0
            shift ;;
        -V | --version) echo "sudo: Homeport's stand-in"; exit 0 ;;
        -u?*) user=${1#-u}; shift ;;
        -*) shift ;;
        *) break ;;
    esac
done
if [ -n "$folder" ]; then cd "$folder" || exit 1; fi
case ${1-} in
    '') set -- "${SHELL:-/bin/sh}" ;;
    *=*) set -- env "$@" ;;
esac
case $user in
    '' | root | '#0') exec "$@" ;;
    *) exec runuser -u "$user" -- "$@" ;;
esac
"""

PIPX = """\
#!/bin/sh
# pipx where the machine has none: the module if Python has it, else a copy of the job's own from the package index.
if python3 -c 'import pipx' 2>/dev/null; then exec python3 -m pipx "$@"; fi
own=${RUNNER_TEMP:?}/_pipx
if [ ! -x "$own/bin/pipx" ]; then
    if ! { python3 -m venv "$own" && "$own/bin/python3" -m pip install -q pipx; } >&2; then
        echo "pipx: it is not on this machine and could not be installed: install it (Debian, Ubuntu: apt-get install pipx)" >&2
        exit 127
    fi
fi
exec "$own/bin/pipx" "$@"
"""
