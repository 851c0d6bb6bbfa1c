"""Run the suite against the reference in the ways that docs/running.md describes.

    python -m interop.deployments [WAY]... [-- FLAGS OF tus-conformance run]

(from the folder reference/). The ways are trio, workers, workers-s3, tls, nginx,
nginx-prefix and systemd. Without a name all are tried, one after the other; the exit code is 0
if all of theirs are.
nginx is found by NGINX or in PATH, its configuration is the page's; the unit is checked by
systemd-analyze, with the flags of the page but no systemd running.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import trustme

from interop.s3_servers import run_moto
from interop.server_processes import run_reference, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PAGE = Path(__file__).parents[2] / "docs" / "running.md"
FLAGS = ("--max-size", str(64 * 1024 * 1024), "--expire-after", "3600")

# What the page leaves to the operator's nginx, within http {}.
AROUND = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
{page}
}}
"""


def read_code_block(language: str, marker: str = "") -> str:
    """Return the first block of code in the page that is in a language and has a marker in it."""
    blocks: list[str] = re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    return next(text for text in blocks if marker in text)


def replace_once(text: str, changes: dict[str, str]) -> str:
    """Return a text with each change made once; raise `AssertionError` if that cannot be."""
    for old, new in changes.items():
        if text.count(old) != 1:
            raise AssertionError(f"the page has {old!r} {text.count(old)} times")
        text = text.replace(old, new)
    return text


# What no configuration changes, with the reason that the page gives.
OF_NGINX = """
[[exclude]]
scenario = "creation-with-upload.expect-refused"
reason = "nginx asks for every body itself"

[[exclude]]
scenario = "interruption.patch.half-close*"
reason = "nginx takes a half-closed connection for a closed one"
"""


def run_suite(
    url: str, home: Path, arguments: Sequence[str], *, ca: Path | None = None, known: str = ""
) -> int:
    """Run the suite, strictly, and return its exit code."""
    profile = home / "profile.toml"
    profile.write_text(("" if ca is None else f'[tls]\nca = "{ca}"\n') + known)
    command = [sys.executable, "-m", "tus_conformance", "run", "--strict", "--target", url]
    command += ["--profile", str(profile), *arguments]
    return subprocess.run(command, check=False).returncode


def issue_certificate(home: Path) -> tuple[Path, Path, Path]:
    """Return the files of an authority, of a chain for 127.0.0.1, and of its key."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    ca, chain, key = (home / name for name in ("ca.pem", "chain.pem", "key.pem"))
    authority.cert_pem.write_to_path(str(ca))
    chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    return ca, chain, key


def check_trio(home: Path, arguments: Sequence[str]) -> int:
    """The server by itself."""
    with run_reference(home / "uploads", *FLAGS) as server:
        return run_suite(server.url, home, arguments)


def check_workers(home: Path, arguments: Sequence[str]) -> int:
    """Two processes on one port."""
    with run_reference(home / "uploads", *FLAGS, "--workers", "2") as server:
        return run_suite(server.url, home, arguments)


def check_workers_on_s3(home: Path, arguments: Sequence[str]) -> int:
    """Two processes on one port and one bucket, of moto's."""
    with run_moto() as s3, s3.run_reference(*FLAGS, "--workers", "2") as server:
        return run_suite(server.url, home, arguments)


def check_tls(home: Path, arguments: Sequence[str]) -> int:
    """The server's own TLS."""
    ca, chain, key = issue_certificate(home)
    flags = ("--tls-certificate", str(chain), "--tls-key", str(key))
    with run_reference(home / "uploads", *FLAGS, *flags) as server:
        url = server.url.replace("http:", "https:")
        return run_suite(url, home, arguments, ca=ca)


def check_nginx(home: Path, arguments: Sequence[str]) -> int:
    """The documented nginx over TLS, in front of the documented command."""
    return run_behind_nginx(home, arguments, "/files/", {})


def check_nginx_below_a_prefix(home: Path, arguments: Sequence[str]) -> int:
    """The same, with a prefix that nginx cuts off."""
    changes = {
        "location /files/ {": "location /api/files/ {",
        "proxy_pass http://tus;": "proxy_pass http://tus/files/;",
        'X-Forwarded-Prefix "";': "X-Forwarded-Prefix /api;",
    }
    return run_behind_nginx(home, arguments, "/api/files/", changes)


def run_behind_nginx(
    home: Path, arguments: Sequence[str], path: str, changes: dict[str, str]
) -> int:
    """Run the suite through nginx at a path, with the page's configuration or a changed one."""
    nginx = os.environ.get("NGINX") or shutil.which("nginx")
    if nginx is None:
        print("nginx was not found: install it, or set NGINX to its path.", file=sys.stderr)
        return 2
    ca, chain, key = issue_certificate(home)
    words = shlex.split(read_code_block("sh", "--behind-proxy"))
    flags = [word for word in words[1:] if word not in {"--upload-dir", "/var/lib/tus"}]
    with run_reference(home / "uploads", *FLAGS, *flags) as server:
        page = replace_once(
            read_code_block("nginx"),
            {
                "server 127.0.0.1:8080;": f"server 127.0.0.1:{server.port};",
                "listen 443 ssl;": "listen 127.0.0.1:PORT ssl;",
                "/etc/ssl/tus.example.org.pem": str(chain),
                "/etc/ssl/tus.example.org.key": str(key),
            },
        )
        page = replace_once(page, changes)
        with run_nginx(nginx, home, AROUND.format(folder=home, page=page)) as origin:
            return run_suite(origin + path, home, arguments, ca=ca, known=OF_NGINX)


@contextlib.contextmanager
def run_nginx(nginx: str, home: Path, configuration: str) -> Iterator[str]:
    """Run nginx with a configuration, in which PORT is a port; yield its origin."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    file = home / "nginx.conf"
    file.write_text(configuration.replace("PORT", port))
    command = [nginx, "-e", str(home / "error.log"), "-p", str(home), "-c", str(file)]
    with subprocess.Popen(command) as process:
        try:
            wait_for_port(process, int(port))
            yield f"https://127.0.0.1:{port}"
        finally:
            process.terminate()


def check_systemd_unit(home: Path, _: Sequence[str]) -> int:
    """Verify the documented unit with systemd, without running it."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        print("There is no systemd-analyze here.", file=sys.stderr)
        return 2
    program = Path(sysconfig.get_path("scripts")) / "tus-reference"
    unit = home / "tus.service"
    unit.write_text(
        replace_once(read_code_block("ini"), {"/opt/tus/bin/tus-reference": str(program)})
    )
    found = subprocess.run(
        [analyze, "verify", str(unit)], capture_output=True, text=True, check=False
    )
    mine = [line for line in found.stderr.splitlines() if "tus.service" in line]
    print("\n".join(mine) or "systemd finds nothing wrong with the unit.")
    return 1 if mine else 0


DEPLOYMENTS: dict[str, Callable[[Path, Sequence[str]], int]] = {
    "trio": check_trio,
    "workers": check_workers,
    "workers-s3": check_workers_on_s3,
    "tls": check_tls,
    "nginx": check_nginx,
    "nginx-prefix": check_nginx_below_a_prefix,
    "systemd": check_systemd_unit,
}


def main() -> int:
    """Go the ways that are named; return 0 if all of them ended well."""
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    names, arguments = words[:at], words[at + 1 :]
    if unknown := [name for name in names if name not in DEPLOYMENTS]:
        print(f"There is no way {unknown[0]!r}: {', '.join(DEPLOYMENTS)}.", file=sys.stderr)
        return 2
    codes = {}
    for name in names or DEPLOYMENTS:
        print(f"\n=== {name}: {DEPLOYMENTS[name].__doc__}", flush=True)
        with tempfile.TemporaryDirectory(prefix="tus-shells-") as folder:
            codes[name] = DEPLOYMENTS[name](Path(folder), arguments)
    print("\n" + ", ".join(f"{name}: exit {code}" for name, code in codes.items()))
    return max(codes.values())


if __name__ == "__main__":
    sys.exit(main())
