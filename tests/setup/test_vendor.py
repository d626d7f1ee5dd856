"""Third-party browser files are exactly the ones their locks name."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import downloads
import pytest
import vendor
from words import StopError

ROOT = Path(__file__).resolve().parents[2]


def test_every_kept_file_is_the_one_its_lock_names() -> None:
    run = subprocess.run(
        [sys.executable, "scripts/vendor.py", "check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_every_kept_file_is_named_in_a_lock() -> None:
    for lock in vendor.LOCKS:
        if lock.parent.is_dir():
            named = {target for package in vendor.read_lock(lock) for target in package["files"]}
            kept = {str(path.relative_to(lock.parent)) for path in lock.parent.rglob("*") if path.is_file()}
            assert kept - named == {"lock.json"}


@pytest.fixture
def small_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry on disk with one small package, `lantern@1.0.0`."""
    folder = tmp_path / "registry" / "lantern" / "-"
    folder.mkdir(parents=True)
    with tarfile.open(folder / "lantern-1.0.0.tgz", "w:gz") as archive:
        for name, text in {"package/light.js": "on()", "package/LICENSE": "free"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", (tmp_path / "registry").as_uri())
    monkeypatch.setattr(vendor, "TOOLS", tmp_path / "tools")
    return tmp_path / "registry"


def test_a_package_is_pinned_fetched_and_found_changed(small_registry: Path, tmp_path: Path) -> None:
    lock = tmp_path / "kept" / "lock.json"
    vendor.pin(lock, "lantern@1.0.0", ["*.js", "LICENSE:lantern.LICENSE"])
    assert (tmp_path / "kept/light.js").read_text() == "on()"
    assert (tmp_path / "kept/lantern.LICENSE").read_text() == "free"
    assert vendor.wrong_files(lock) == []
    (tmp_path / "kept/light.js").write_text("off()")
    assert vendor.wrong_files(lock) == [str(tmp_path / "kept/light.js")]
    vendor.fetch_package(lock, vendor.read_lock(lock)[0])
    assert (tmp_path / "kept/light.js").read_text() == "on()"


def test_a_package_whose_bytes_changed_is_refused(small_registry: Path, tmp_path: Path) -> None:
    lock = tmp_path / "kept" / "lock.json"
    package = vendor.pin(lock, "lantern@1.0.0", ["light.js"])
    package["integrity"] = downloads.integrity(b"something else")
    lock.write_text(json.dumps({"packages": [package]}))
    (tmp_path / "kept/light.js").unlink()
    with pytest.raises(StopError, match="does not match the recorded hash"):
        vendor.fetch_package(lock, package)
    assert not (tmp_path / "kept/light.js").exists()
