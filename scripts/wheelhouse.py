"""A folder with every wheel this machine needs, for machines of the same kind that have no network."""

import re
import sys
from pathlib import Path

import downloads
import uv
from words import stop

PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def named_in(lock: Path) -> list[tuple[str, str, set[str]]]:
    """The packages of a hash-pinned lock: (name, version, allowed sha256)."""
    packages: list[tuple[str, str, set[str]]] = []
    for line in lock.read_text(encoding="utf-8").splitlines():
        package = PACKAGE.match(line)
        if package:
            packages.append((package[1], package[2], set()))
        for found in HASH.findall(line):
            packages[-1][2].add(found)
    return packages


def fits(file: str) -> bool:
    """Whether a wheel, judged by the tags in its name, can be used by this Python on this machine."""
    if not file.endswith(".whl"):
        return False
    pythons, abis, platforms = (part.split(".") for part in file.removesuffix(".whl").split("-")[-3:])
    major, minor = sys.version_info[:2]
    for_this_python = {f"cp{major}{minor}", f"py{major}", f"py{major}{minor}"}
    older = {f"cp{major}{number}" for number in range(2, minor + 1)}
    if not (for_this_python & set(pythons) or ("abi3" in abis and older & set(pythons))):
        return False
    if not {"none", "abi3", f"cp{major}{minor}"} & set(abis):
        return False
    return any(_is_for_this_machine(platform) for platform in platforms)


def _is_for_this_machine(platform: str) -> bool:
    if platform == "any":
        return True
    system, machine, *library = uv.kind_of_machine().split("-")
    if system == "darwin":
        return platform.startswith("macosx") and platform.endswith((machine, "universal2"))
    kind = "musllinux" if library == ["musl"] else "manylinux"
    return platform.startswith((kind, "linux_")) and platform.endswith(machine)


def fill(folder: Path, lock: Path) -> int:
    """Put the wheels a lock names for this machine, and uv's own, into a folder; returns how many lie there.

    Only files whose hash the lock names are kept; wheels already there are not fetched again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _, wheel = uv.wanted_wheel()
    downloads.write_whole(folder / wheel["file"], uv.wheel_content(folder))
    count = 1
    for name, version, hashes in named_in(lock):
        kept = _keep(folder, name, version, hashes)
        if not kept:
            raise stop(
                f"{name} {version} 没有适合本机的文件。", f"{name} {version} has no wheel for this machine."
            )
        count += kept
    return count


def _keep(folder: Path, name: str, version: str, hashes: set[str]) -> int:
    start = re.sub(r"[-_.]+", "_", name).lower()
    kept = 0
    for file, address in uv.files_of(re.sub(r"[-_.]+", "-", name).lower()):
        head = file.split("-")[:2]
        if (
            len(head) < 2
            or re.sub(r"[-_.]+", "_", head[0]).lower() != start
            or head[1] != version
            or not fits(file)
        ):
            continue
        path = folder / file
        if not (path.is_file() and downloads.sha256(path.read_bytes()) in hashes):
            content = downloads.get(address)
            if downloads.sha256(content) not in hashes:
                continue
            downloads.write_whole(path, content)
        kept += 1
    return kept
