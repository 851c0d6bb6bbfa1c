"""Run the suite against the reference on a real S3.

    python -m interop.s3_suite localstack|moto|seaweedfs [FLAGS OF tus-conformance run]

(from the folder reference/). The exit code is that of `tus-conformance run`.
"""

from __future__ import annotations

import subprocess
import sys

from interop.s3_servers import SERVERS

FLAGS = ("--max-size", str(64 * 1024 * 1024), "--expire-after", "3600")


def main() -> int:
    """Start the S3 and the reference on it, run the suite, and return its exit code."""
    if len(sys.argv) < 2 or sys.argv[1] not in SERVERS:
        print(f"say which S3: {' or '.join(SERVERS)}", file=sys.stderr)
        return 2
    with SERVERS[sys.argv[1]]() as s3, s3.run_reference(*FLAGS) as server:
        suite = [sys.executable, "-m", "tus_conformance", "run", "--target", server.url]
        return subprocess.run([*suite, *sys.argv[2:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
