"""What the tests need from the machine itself: a Chromium, Chinese fonts, PostgreSQL's programs, ClamAV, Java."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from words import both, say

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
MACOS_BROWSERS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)


def find_chromium() -> Path | None:
    """A browser of the Chromium family: $CHROMIUM, then the path, then macOS applications."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        return Path(chosen) if Path(chosen).is_file() else None
    for name in CHROMIUM_NAMES:
        found = shutil.which(name)
        if found and not _is_snap_stub(Path(found)):
            return Path(found)
    return next((Path(name) for name in MACOS_BROWSERS if Path(name).is_file()), None)


def _is_snap_stub(program: Path) -> bool:
    """Ubuntu's chromium package is a script that only asks for a snap."""
    with program.open("rb") as file:
        head = file.read(4096)
    return head.startswith(b"#!") and b"snap" in head and not Path("/snap/bin/chromium").exists()


def find_postgres() -> Path | None:
    """The folder with PostgreSQL's server programs, the newest where there are several."""
    folders: list[Path] = []
    for pattern in POSTGRES_FOLDERS:
        folders += Path("/").glob(pattern.lstrip("/"))
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    usable = [
        folder for folder in folders if (folder / "initdb").is_file() and (folder / "postgres").is_file()
    ]
    return max(usable, key=_version_in, default=None)


def _version_in(folder: Path) -> int:
    numbers = re.findall(r"\d+", str(folder))
    return int(numbers[-1]) if numbers else 0


def find_chinese_font() -> Path | None:
    """A font that has Chinese characters; macOS always has one."""
    if sys.platform == "darwin":
        return Path("/System/Library/Fonts")
    program = shutil.which("fc-list")
    if program:
        listed = subprocess.run(
            [program, ":lang=zh-cn", "file"], capture_output=True, text=True, check=False
        ).stdout
        first = listed.partition("\n")[0].rstrip(": ")
        return Path(first) if first else None
    return next(iter(Path("/usr/share/fonts").glob("**/*CJK*")), None)


def find_clamd() -> Path | None:
    """ClamAV's daemon; Debian keeps it where only root looks."""
    found = shutil.which(
        "clamd", path=os.environ.get("PATH", "") + ":/usr/sbin:/opt/homebrew/sbin:/usr/local/sbin"
    )
    return Path(found) if found else None


def find_java() -> Path | None:
    """A Java that starts; macOS has a stub that does not."""
    program = shutil.which("java")
    if program and subprocess.run([program, "-version"], capture_output=True, check=False).returncode == 0:
        return Path(program)
    return None


@dataclass(frozen=True)
class Part:
    """Something of the machine a test step needs: its name, how to find it, and its package in Debian."""

    name: str
    find: Callable[[], Path | None]
    package: str


CHROMIUM = Part("Chromium", find_chromium, "chromium")
CHINESE_FONT = Part("中文字体 (Noto CJK)", find_chinese_font, "fonts-noto-cjk")
POSTGRES = Part("PostgreSQL", find_postgres, "postgresql")
CLAMD = Part("ClamAV", find_clamd, "clamav-daemon")
PARTS = (CHROMIUM, CHINESE_FONT, POSTGRES, CLAMD)


def install_missing() -> list[Part]:
    """Install what is missing where that is ours to do (root on Debian); returns what is still missing, having said so."""
    missing = [part for part in PARTS if part.find() is None]
    if missing and os.geteuid() == 0 and _is_debian() and shutil.which("apt-get"):
        _apt_install([part.package for part in missing])
        missing = [part for part in missing if part.find() is None]
    for part in missing:
        advice = f"apt-get install {part.package}" if shutil.which("apt-get") else part.package
        say(f"缺少 {part.name}，请安装：{advice}", f"{part.name} is missing; install it: {advice}")
    return missing


def _is_debian() -> bool:
    try:
        return platform.freedesktop_os_release().get("ID") == "debian"
    except OSError:
        return False


def _apt_install(packages: list[str]) -> None:
    say(f"正在安装 {'、'.join(packages)}。", f"Installing {', '.join(packages)}.")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # An old package list names versions that are gone from the archive.
    for command in (
        ["apt-get", "update", "-q"],
        [
            "apt-get",
            "install",
            "-q",
            "-y",
            "--no-install-recommends",
            "-o",
            "DPkg::Lock::Timeout=120",
            *packages,
        ],
    ):
        done = subprocess.run(
            command,
            env=quiet,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            last = (done.stderr or done.stdout).strip().rpartition("\n")[2]
            print(
                both(f"{command[1]} 没有成功：{last}", f"{' '.join(command[:2])} failed: {last}"),
                file=sys.stderr,
            )
