"""The environment is whole or not there: interrupted, half-built, changed, without a network."""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import downloads
import places
import pytest
import uv
import wheelhouse

from tests.setup.starting import TRACEBACK, copy_scripts, wait_until_empty

ONE_LINE = """
import sys
sys.path.insert(0, "scripts")
import commands, environment
from pathlib import Path
commands.serving.run = lambda wheels: environment.prepare(environment.RUN_LOCK, wheels) or 0
sys.exit(commands.main(["run", *sys.argv[1:]]))
"""


def make_wheel(folder: Path, name: str, version: str) -> tuple[Path, str]:
    """A wheel with one module that knows its version; its path and sha256."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    information = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f'version = "{version}"\n',
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for file, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{file},sha256={digest},{len(text)}")
    files[f"{information}/RECORD"] = "\n".join([*rows, f"{information}/RECORD,,"])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path, downloads.sha256(path.read_bytes())


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder of wheels with `lantern` in two versions."""
    for version in ("1.0", "2.0"):
        make_wheel(tmp_path / "wheels", "lantern", version)
    return tmp_path / "wheels"


@pytest.fixture
def folder(tmp_path: Path, wheels: Path) -> Path:
    """The scripts, a lock that asks for `lantern` 1.0 only, and the installer already fetched."""
    place = copy_scripts(tmp_path / "gongyu")
    program = uv.find_uv(None)
    assert program
    kept = place / program.relative_to(places.ROOT)
    kept.parent.mkdir(parents=True)
    shutil.copy(program, kept)
    ask_for(place, wheels, "1.0")
    return place


def ask_for(folder: Path, wheels: Path, version: str) -> None:
    """Make the lock ask for a version of `lantern`."""
    content = (wheels / f"lantern-{version}-py3-none-any.whl").read_bytes()
    lock = f"lantern=={version} \\\n    --hash=sha256:{downloads.sha256(content)}\n"
    for name in ("requirements.txt", "requirements-dev.txt"):
        (folder / name).write_text(lock, encoding="utf-8")


def prepare(folder: Path, wheels: Path | None, **settings: str) -> subprocess.Popen[str]:
    """Start preparing the environment, as `run` does first."""
    words = ["--wheels", str(wheels)] if wheels else []
    return subprocess.Popen(
        [sys.executable, "-c", ONE_LINE, *words],
        cwd=folder, env={**os.environ, **settings}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", start_new_session=True,
    )  # fmt: skip


def prepared(folder: Path, wheels: Path | None, **settings: str) -> str:
    """Prepare the environment to the end; what was printed."""
    process = prepare(folder, wheels, **settings)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    return output


def lantern_in(folder: Path) -> str:
    """The version of `lantern` the environment has."""
    command = [folder / ".venv/bin/python", "-c", "import lantern; print(lantern.version)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_it_is_built_once(folder: Path, wheels: Path) -> None:
    assert "Preparing the environment" in prepared(folder, wheels)
    assert lantern_in(folder) == "1.0"
    assert prepared(folder, wheels) == ""


def test_a_changed_lock_replaces_it(folder: Path, wheels: Path) -> None:
    prepared(folder, wheels)
    ask_for(folder, wheels, "2.0")
    prepared(folder, wheels)
    assert lantern_in(folder) == "2.0"
    assert {path.name for path in folder.glob(".venv*")} == {".venv"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda home: (home / "ready.json").unlink(),
        lambda home: (home / "ready.json").write_text("{"),
        lambda home: (home / "ready.json").write_text("[]"),
        lambda home: (home / "bin/python").unlink(),
        lambda home: shutil.rmtree(home) or home.write_text("a file"),
        lambda home: shutil.rmtree(home) or home.symlink_to("nowhere"),
    ],
)
def test_a_damaged_one_is_built_anew(folder: Path, wheels: Path, damage: object) -> None:
    prepared(folder, wheels)
    assert callable(damage)
    damage(folder / ".venv")
    prepared(folder, wheels)
    assert lantern_in(folder) == "1.0"


def test_a_linked_one_is_put_aside_and_its_target_left_alone(
    folder: Path, wheels: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter").write_text("keep")
    (folder / ".venv").symlink_to(tmp_path / "mine")
    prepared(folder, wheels)
    assert lantern_in(folder) == "1.0"
    assert (tmp_path / "mine/letter").read_text() == "keep"


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.3, 0.4, 0.5, 0.7])
def test_the_next_one_works_after_a_kill_at_any_moment(folder: Path, wheels: Path, seconds: float) -> None:
    first = prepare(folder, wheels)
    time.sleep(seconds)
    first.kill()
    first.communicate()
    wait_until_empty(folder)
    prepared(folder, wheels)
    assert lantern_in(folder) == "1.0"
    assert {path.name for path in folder.glob(".venv*")} == {".venv"}


def test_a_move_that_was_interrupted_is_finished(folder: Path, wheels: Path) -> None:
    prepared(folder, wheels)
    (folder / ".venv").rename(folder / ".venv.new")
    prepared(
        folder, None, PIP_INDEX_URL="http://127.0.0.1:9/simple", UV_DEFAULT_INDEX="http://127.0.0.1:9/simple"
    )
    assert lantern_in(folder) == "1.0"


def test_ctrl_c_never_leaves_a_half_built_one_in_place(folder: Path, wheels: Path) -> None:
    process = prepare(folder, wheels)
    assert process.stdout
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    if process.returncode:
        assert process.returncode == 130
        assert TRACEBACK not in output
        assert not (folder / ".venv").exists()
    wait_until_empty(folder)
    prepared(folder, wheels)
    assert lantern_in(folder) == "1.0"


def test_two_at_once_build_it_once(folder: Path, wheels: Path) -> None:
    both = [prepare(folder, wheels) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum("Preparing" in output for output in outputs) == 1
    assert lantern_in(folder) == "1.0"


def test_a_package_whose_bytes_changed_is_refused(folder: Path, wheels: Path) -> None:
    make_wheel(wheels, "lantern", "1.0")
    with zipfile.ZipFile(wheels / "lantern-1.0-py3-none-any.whl", "a") as archive:
        archive.writestr("other.py", "print('hello')")
    process = prepare(folder, wheels)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert TRACEBACK not in output
    assert "could not be built" in output.splitlines()[-1]
    assert list(folder.glob(".venv*")) == []


def test_no_network_is_one_line(folder: Path) -> None:
    ask_for_nothing_known = {
        name: "http://127.0.0.1:9/simple" for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX")
    }
    process = prepare(
        folder, None, UV_CACHE_DIR=str(folder / "cache"), UV_HTTP_RETRIES="0", **ask_for_nothing_known
    )
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert TRACEBACK not in output
    assert len(output.splitlines()) == 2
    assert "check the network" in output.splitlines()[-1]


def test_without_uv_pip_takes_over(folder: Path, wheels: Path) -> None:
    (folder / "scripts/uv.json").write_text('{"version": "0", "wheels": {}}')
    shutil.rmtree(folder / ".tools")
    process = prepare(folder, wheels, PATH="/nowhere")
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    assert lantern_in(folder) == "1.0"
    first_lines = [path.read_bytes().partition(b"\n")[0] for path in (folder / ".venv/bin").glob("pip*")]
    assert first_lines
    assert all(b".venv.new" not in line for line in first_lines)


@pytest.fixture
def small_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index on disk with `lantern` 1.0 in its HTML form."""
    page = tmp_path / "simple" / "lantern"
    page.mkdir(parents=True)
    make_wheel(tmp_path / "files", "lantern", "1.0")
    (page / "index.html").write_text(
        '<a href="../../files/lantern-1.0-py3-none-any.whl#sha256=00">lantern</a>'
    )
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://index.example/simple/")
    monkeypatch.setattr(downloads, "get", lambda address, headers=None: served(tmp_path, address))
    return tmp_path


def served(root: Path, address: str) -> bytes:
    """The file behind an address of the index on disk."""
    path = root / address.partition("#")[0].removeprefix("http://index.example/")
    return (path / "index.html" if path.is_dir() else path).read_bytes()


def test_the_index_of_this_machine_is_asked(small_index: Path) -> None:
    assert uv.files_of("lantern") == [
        ("lantern-1.0-py3-none-any.whl", "http://index.example/files/lantern-1.0-py3-none-any.whl#sha256=00")
    ]


def test_pips_settings_name_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple/\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert uv.index() == "https://mirror.example/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example/simple")
    assert uv.index() == "https://other.example/simple"


@pytest.mark.parametrize(
    ("file", "fitting"),
    [
        ("lantern-1.0-py3-none-any.whl", True),
        ("lantern-1.0-py2.py3-none-any.whl", True),
        ("lantern-1.0-cp38-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", True),
        ("lantern-1.0-cp312-cp312-manylinux_2_17_x86_64.whl", True),
        ("lantern-1.0-cp313-cp313-manylinux_2_17_x86_64.whl", False),
        ("lantern-1.0-cp312-cp312t-manylinux_2_17_x86_64.whl", False),
        ("lantern-1.0-cp312-cp312-musllinux_1_2_x86_64.whl", False),
        ("lantern-1.0-cp312-cp312-manylinux_2_17_aarch64.whl", False),
        ("lantern-1.0-cp312-cp312-win_amd64.whl", False),
        ("lantern-1.0.tar.gz", False),
    ],
)
def test_only_wheels_of_this_machine_fit(monkeypatch: pytest.MonkeyPatch, file: str, fitting: bool) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 1, "final", 0))
    monkeypatch.setattr(uv, "kind_of_machine", lambda: "linux-x86_64-gnu")
    assert wheelhouse.fits(file) is fitting


def test_every_pinned_package_is_read_from_the_lock() -> None:
    packages = wheelhouse.named_in(places.ROOT / "requirements.txt")
    names = {name for name, _, _ in packages}
    assert {"flask", "sqlalchemy", "gunicorn", "psycopg"} <= names
    assert all(hashes for _, _, hashes in packages)


def test_the_table_of_installers_is_whole() -> None:
    table = json.loads((places.ROOT / "scripts/uv.json").read_text())
    assert uv.kind_of_machine() in table["wheels"]
    for wheel in table["wheels"].values():
        assert wheel["file"].startswith(f"uv-{table['version']}-py3-none-")
        assert len(wheel["sha256"]) == 64
