"""Third-party browser files kept in the project: fetched from the npm registry without Node, checked by hash.

    python3 scripts/vendor.py check                      every kept file is the one its lock names (no network)
    python3 scripts/vendor.py fetch [LOCK …]             download and copy again what the locks name
    python3 scripts/vendor.py pin LOCK NAME@VERSION SOURCE[:TARGET] …
                                                         add or replace a package; SOURCE may be a pattern

A lock lies beside the files it names:

    {"packages": [{"name", "version", "integrity", "files": {target: {"source", "sha256"}}}]}

`target` is relative to the lock's folder, `source` is the path inside the package. A package with
`"committed": false` is too large for the repository: it is fetched into `.tools/NAME-VERSION/` when a check needs it.
"""

import argparse
import fnmatch
import io
import json
import os
import sys
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any

import downloads
from words import StopError, both, prepare_streams, say, stop

ROOT = Path(__file__).resolve().parent.parent
LOCKS = (
    ROOT / "static/vendor/lock.json",
    ROOT / "templates/documents/fonts/lock.json",
    ROOT / "tests/vendor/lock.json",
)
TOOLS = ROOT / ".tools"
PUBLIC_REGISTRY = "https://registry.npmjs.org"

Package = dict[str, Any]


def registry() -> str:
    """The npm registry this machine is set up for: NPM_CONFIG_REGISTRY, an `.npmrc`, else the public one."""
    for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
        if os.environ.get(name):
            return os.environ[name].rstrip("/")
    for file in (ROOT / ".npmrc", Path.home() / ".npmrc"):
        if file.is_file():
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                key, _, value = line.partition("=")
                if key.strip() == "registry" and value.strip():
                    return value.strip().rstrip("/")
    return PUBLIC_REGISTRY


def tarball(name: str, version: str, integrity: str | None) -> bytes:
    """A package's tarball, from `.tools/npm/` or the registry; checked when an integrity string is given."""
    kept = TOOLS / "npm" / f"{name.replace('/', '+')}-{version}.tgz"
    if kept.is_file() and integrity and downloads.integrity(kept.read_bytes()) == integrity:
        return kept.read_bytes()
    short = name.rpartition("/")[2]
    content = downloads.get(f"{registry()}/{name}/-/{short}-{version}.tgz")
    if integrity:
        downloads.check_integrity(content, integrity, f"{name}@{version}")
    downloads.write_whole(kept, content)
    return content


def unpack(content: bytes) -> dict[str, bytes]:
    """The files of a tarball, path inside the package to bytes; nothing is written to disk."""
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for member in archive:
            reader = archive.extractfile(member) if member.isfile() else None
            if reader is not None:
                files[str(PurePosixPath(*PurePosixPath(member.name).parts[1:]))] = reader.read()
    return files


def read_lock(lock: Path) -> list[Package]:
    """The packages of a lock; an absent lock has none."""
    if not lock.is_file():
        return []
    packages: list[Package] = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return packages


def home_of(lock: Path, package: Package) -> Path:
    """The folder a package's files are copied into."""
    return (
        lock.parent if package.get("committed", True) else TOOLS / f"{package['name']}-{package['version']}"
    )


def wrong_files(lock: Path) -> list[str]:
    """Kept files that are absent or are not what the lock names; packages not committed are left out."""
    wrong = []
    for package in read_lock(lock):
        if not package.get("committed", True):
            continue
        for target, entry in package["files"].items():
            path = lock.parent / target
            if not path.is_file() or downloads.sha256(path.read_bytes()) != entry["sha256"]:
                wrong.append(str(path))
    return wrong


def fetch_package(lock: Path, package: Package) -> Path:
    """Copy a package's named files to their folder and return it; does nothing when they are all there."""
    home = home_of(lock, package)
    wanted: dict[str, dict[str, str]] = package["files"]
    if all(
        (home / target).is_file() and downloads.sha256((home / target).read_bytes()) == entry["sha256"]
        for target, entry in wanted.items()
    ):
        return home
    files = unpack(tarball(package["name"], package["version"], package["integrity"]))
    for target, entry in wanted.items():
        downloads.check_sha256(files.get(entry["source"], b""), entry["sha256"], target)
        downloads.write_whole(home / target, files[entry["source"]])
    return home


def fetch_named(name: str) -> Path:
    """Fetch one package of the locks by its name and return the folder its files lie in."""
    for lock in LOCKS:
        for package in read_lock(lock):
            if package["name"] == name:
                return fetch_package(lock, package)
    raise stop(f"没有登记软件包 {name}。", f"No lock names the package {name}.")


def pin(lock: Path, wanted: str, sources: list[str], committed: bool = True) -> Package:
    """Add a package to a lock (or replace it) with the hashes of the files named, and fetch it.

    `wanted` is `name@version`; a source is `path`, `path:target` or a pattern such as `icons/*.svg`.
    """
    name, _, version = wanted.rpartition("@")
    content = tarball(name, version, None)
    files = unpack(content)
    chosen: dict[str, dict[str, str]] = {}
    for source in sources:
        pattern, _, target = source.partition(":")
        found = sorted(path for path in files if fnmatch.fnmatch(path, pattern))
        if not found:
            raise stop(f"{wanted} 里没有 {pattern}。", f"{wanted} has no file {pattern}.")
        for path in found:
            chosen[target or path] = {"source": path, "sha256": downloads.sha256(files[path])}
    package: Package = {"name": name, "version": version, "integrity": downloads.integrity(content)}
    if not committed:
        package["committed"] = False
    package["files"] = chosen
    packages = [other for other in read_lock(lock) if other["name"] != name]
    packages = sorted([*packages, package], key=lambda other: str(other["name"]))
    text = json.dumps({"packages": packages}, ensure_ascii=False, indent=2) + "\n"
    downloads.write_whole(lock, text.encode())
    fetch_package(lock, package)
    return package


def _pin_from_command_line(arguments: argparse.Namespace) -> None:
    package = pin(arguments.lock.resolve(), arguments.package, arguments.sources, not arguments.not_committed)
    count = len(package["files"])
    say(f"已登记 {arguments.package}，共 {count} 个文件。", f"Pinned {arguments.package}, {count} files.")


def _fetch_from_command_line(arguments: argparse.Namespace) -> None:
    for lock in arguments.locks or LOCKS:
        for package in read_lock(lock):
            home = fetch_package(lock, package)
            print(f"{package['name']}@{package['version']} → {home}")


def _check_from_command_line(_arguments: argparse.Namespace) -> None:
    wrong = [path for lock in LOCKS for path in wrong_files(lock)]
    if wrong:
        raise stop(f"与登记不符：{'、'.join(wrong)}", f"Not what the lock names: {', '.join(wrong)}")
    say("第三方文件与登记一致。", "Kept files match their locks.")


def main(words: list[str]) -> int:
    """Run one command; 0 when it succeeded, 1 with one line when not."""
    prepare_streams()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True)
    commands.add_parser("check").set_defaults(act=_check_from_command_line)
    fetching = commands.add_parser("fetch")
    fetching.add_argument("locks", nargs="*", type=Path)
    fetching.set_defaults(act=_fetch_from_command_line)
    pinning = commands.add_parser("pin")
    pinning.add_argument("lock", type=Path)
    pinning.add_argument("package")
    pinning.add_argument("sources", nargs="+")
    pinning.add_argument("--not-committed", action="store_true")
    pinning.set_defaults(act=_pin_from_command_line)
    arguments = parser.parse_args(words)
    try:
        arguments.act(arguments)
    except StopError as reason:
        print(reason, file=sys.stderr)
        return 1
    except (OSError, tarfile.TarError) as error:
        print(both(f"没有完成：{error}", f"Not done: {error}"), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
