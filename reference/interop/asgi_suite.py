"""The suite against the reference in ASGI servers: `python -m interop.asgi_suite HOME [ARGUMENTS]`.

Uploads are kept below HOME; the arguments are those of `tus-conformance run`. The records go to
report/asgi of the repository. The exit code is 1 unless every run's is 0.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SERVERS = ("uvicorn", "hypercorn")
REPORTS = Path(__file__).parents[2] / "report/asgi"


def main(home: Path, arguments: Sequence[str]) -> int:
    """Run the suite once for each ASGI server."""
    found = {}
    for name in SERVERS:
        start = f"{sys.executable} -m interop.asgi_server {name} {{port}} {home}/{name}"
        command = [sys.executable, "-m", "tus_conformance", "run", "--server-command", start]
        command += ["--target", "http://127.0.0.1:{port}/files/"]
        command += ["--report-dir", str(REPORTS / name), *arguments]
        found[name] = subprocess.run(command, check=False).returncode
    print(", ".join(f"{name}: exit {code}" for name, code in found.items()))
    return int(any(found.values()))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
