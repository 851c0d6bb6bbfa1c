"""What a driver of a client needs, as the `install` table of its profile says."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

DRIVERS = Path(__file__).parent
PROFILE = "client.toml"


class MissingError(Exception):
    """A driver cannot be installed here; the message is the reason, as part of a sentence."""


def driver_names(folder: Path = DRIVERS) -> list[str]:
    """Return the drivers that have a profile, sorted."""
    return sorted(path.parent.name for path in folder.glob(f"*/{PROFILE}"))


def install_driver(source: Path, home: Path) -> None:
    """Install what a driver needs into a folder; raise `MissingError`."""
    packages = tomllib.loads((source / PROFILE).read_text("utf-8")).get("install", {})
    if reason := missing_program(packages):
        raise MissingError(reason)
    home.mkdir(parents=True, exist_ok=True)
    write_project(packages, source, home)
    (home / "go.mod").unlink(missing_ok=True)  # of an earlier installation
    for words in install_commands(packages, home):
        try:
            subprocess.run(words, cwd=home, check=True)
        except subprocess.CalledProcessError:
            raise MissingError(f"{words[0]} could not install its packages") from None


def write_project(packages: Mapping[str, Any], source: Path, home: Path) -> None:
    """Write the files that a package client reads, with the driver's sources next to them."""
    if "maven" in packages:
        (home / "pom.xml").write_text(maven_project(packages["maven"]), "utf-8")
    if "cargo" in packages:
        (home / "Cargo.toml").write_text(cargo_project(packages["cargo"]), "utf-8")
    compiled = {"maven": "*.java", "cargo": "*.rs", "go": "*.go"}
    for kind, pattern in compiled.items():
        for path in source.glob(pattern) if kind in packages else ():
            shutil.copy(path, home)


def missing_program(packages: Mapping[str, Any]) -> str:
    """Return which program is not installed, or ""."""
    needs = [*packages.get("programs", ())]
    needs += ["npm"] if "npm" in packages else []
    needs += ["mvn", "javac"] if "maven" in packages else []
    needs += ["cargo"] if "cargo" in packages else []
    needs += ["go"] if "go" in packages else []
    missing = next((program for program in needs if shutil.which(program) is None), "")
    return f"{missing} is not installed" if missing else ""


def install_commands(packages: Mapping[str, Any], home: Path) -> list[list[str]]:
    """Return the commands that install packages into a folder."""
    commands = []
    if "pip" in packages:
        python = str(home / "venv/bin/python")
        commands.append([sys.executable, "-m", "venv", str(home / "venv")])
        commands.append([python, "-m", "pip", "install", "-q", *packages["pip"]])
    if "npm" in packages:
        quiet = ("--no-audit", "--no-fund", "--silent", "--prefix", str(home))
        commands.append(["npm", "install", *quiet, *packages["npm"]])
    if "maven" in packages:
        copy = ("dependency:copy-dependencies", "-DoutputDirectory=lib")
        commands.append(["mvn", "-q", "-B", *copy])
        commands.append(["javac", "-cp", "lib/*", "-d", "classes", "Drive.java"])
    if "cargo" in packages:
        commands.append(["cargo", "install", "-q", "--path", ".", "--root", "."])
    if "go" in packages:
        commands.append(["go", "mod", "init", "driver"])
        commands += [["go", "get", package] for package in packages["go"]]
        commands.append(["go", "mod", "tidy"])
        commands.append(["go", "build", "-o", "bin/drive", "."])
    return commands


def cargo_project(dependencies: Sequence[str]) -> str:
    """Return the manifest of a driver with these lines of its dependencies."""
    lines = ("[package]", 'name = "drive"', 'version = "0.0.0"', 'edition = "2021"')
    binary = ("[[bin]]", 'name = "drive"', 'path = "drive.rs"')
    return "\n".join([*lines, "", *binary, "", "[dependencies]", *dependencies, ""])


def maven_project(packages: Sequence[str]) -> str:
    """Return the project file of a driver that needs these packages, GROUP:NAME:VERSION."""
    names = ("groupId", "artifactId", "version")
    dependencies = "".join(
        "<dependency>"
        + "".join(
            f"<{name}>{escape(value)}</{name}>"
            for name, value in zip(names, package.split(":"), strict=True)
        )
        + "</dependency>"
        for package in packages
    )
    own = "".join(f"<{name}>driver</{name}>" for name in names)
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        f"{own}<dependencies>{dependencies}</dependencies></project>"
    )
