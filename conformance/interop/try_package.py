"""Try the wheel in `dist` in an empty environment, and the steps of the Containerfile in another.

    python conformance/interop/try_package.py HOME

The image's own Python and its user are what a machine without containers cannot try.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path


def main(home: Path) -> None:
    """Make both environments below `home`, a folder that is removed first."""
    shutil.rmtree(home, ignore_errors=True)
    try_wheel(home / "venv")
    run_container_steps(home / "container")


def try_wheel(environment: Path) -> None:
    """Install the wheel, and run the suite with one scenario."""
    run(sys.executable, "-m", "venv", environment)
    run(environment / "bin/pip", "install", "-q", next(Path("dist").glob("*.whl")))
    run(environment / "bin/tus-conformance", "--version")
    run(environment / "bin/tus-conformance", "run", "--only", "core.options.answer")


def run_container_steps(home: Path) -> None:
    """Run the steps of the Containerfile in an environment instead of a container."""
    run(sys.executable, "-m", "venv", home / "venv")
    for line in Path("Containerfile").read_text("utf-8").splitlines():
        step, _, text = line.partition(" ")
        text = text.replace("/source", f"{home}/source")
        text = text.replace("python3", f"{home}/venv/bin/python")
        if step == "COPY":
            ignored = shutil.ignore_patterns(*Path(".dockerignore").read_text("utf-8").split())
            shutil.copytree(".", home / "source", ignore=ignored)
        elif step == "RUN" and not text.startswith("useradd"):
            run("sh", "-c", text)
        elif step == "ENTRYPOINT":
            (program,) = re.findall(r'"(.*?)"', text)
            run(home / "venv/bin" / program, "--version")
    run(home / "venv/bin/tus-reference", "--version")


def run(*words: str | Path) -> None:
    """Run a command; an exit code other than 0 is an error."""
    subprocess.run([str(word) for word in words], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
