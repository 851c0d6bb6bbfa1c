"""A configuration of a proxy in front of the reference server, and `doctor` through it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import trio
import trustme

from tus_conformance.doctor.diagnosis import Diagnosis, diagnose
from tus_conformance.doctor.examination import DoctorSettings, Examination
from tus_conformance.doctor.markdown_report import format_markdown
from tus_conformance.doctor.mirror import Mirror, open_mirror
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.profile import Profile, Tls
from tus_conformance.targets.target import Target
from tus_conformance.targets.target_transport import transport_for

HOME = Path(__file__).parent
START_SECONDS = 300.0
_USED_PORTS: set[int] = set()
SERVER_FLAGS = ("--expire-after", "3600", "--max-size", str(64 * 1024 * 1024))


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of the good configuration, and the findings that it must have."""

    id: str
    title: str
    findings: tuple[str, ...] = ()
    replace: dict[str, str] = {}
    insert: dict[str, str] = {}
    server: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    origin: str | None = None
    slow: bool = False
    large: bool = False
    scheme: str = "http"
    path: str = "/files/"
    mirror: bool = False
    upstreams: int = 1


class Product(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proxy: the program and how it is started; `server` are flags of the reference server.

    `file` is the name of its configuration, whose ending some programs look at.
    docs/proxies.md has a section with the name. `differences` are the scenarios whose verdict
    through the good configuration is another than without it, each with the reason.
    """

    name: str
    program: str
    start: tuple[str, ...]
    server: tuple[str, ...] = ()
    file: str = "proxy.conf"
    title: str = "The good configuration is clean"
    differences: dict[str, str] = {}


class _CaseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    case: tuple[Case, ...] = ()


@dataclass(frozen=True)
class TrialResult:
    """What doctor found: the ids, its exit code and report, and the time in seconds.

    `innocent` are findings that were not blamed on the proxy, though it is known to do it.
    """

    findings: tuple[str, ...]
    code: int
    seconds: float
    report: str
    error: str = ""
    innocent: tuple[str, ...] = ()


def product_names() -> list[str]:
    """Return the names of the products' folders."""
    return sorted(path.parent.name for path in HOME.glob("*/product.toml"))


def read_product(name: str) -> Product:
    """Read what is known of a product."""
    return msgspec.toml.decode((HOME / name / "product.toml").read_bytes(), type=Product)


def read_cases(name: str) -> tuple[Case, ...]:
    """Return the cases of a product, the good configuration first."""
    path = HOME / name / "cases.toml"
    cases = msgspec.toml.decode(path.read_bytes(), type=_CaseFile).case if path.exists() else ()
    return (Case(id="good", title=read_product(name).title), *cases)


def configuration(name: str, case: Case) -> str:
    """Return the configuration of a case, with its placeholders."""
    text = (HOME / name / "good.conf").read_text("utf-8")
    for old, new in case.replace.items():
        if text.count(old) != 1:
            raise ValueError(f"{name}/{case.id}: {old!r} is {text.count(old)} times in good.conf")
        text = text.replace(old, new)
    for place, lines in case.insert.items():
        marker = f"# at {place}\n"
        if text.count(marker) != 1:
            raise ValueError(f"{name}/{case.id}: good.conf lacks the place {place!r}")
        text = text.replace(marker, f"{marker}{lines}\n")
    return text


class ReferencePool:
    """Reference servers by their flags: each is started when a trial first needs it."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._ports: dict[tuple[str, ...], str] = {}
        self._lock = trio.Lock()

    async def find_port(self, flags: tuple[str, ...], number: int) -> str:
        """Return the port of the server with these flags, the `number`-th of its kind."""
        key = (*flags, str(number))
        async with self._lock:
            if key not in self._ports:
                self._ports[key] = await self._nursery.start(_serve_reference, flags)
            return self._ports[key]


async def _serve_reference(
    flags: tuple[str, ...], task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED
) -> None:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tus-proxy-") as folder:
        log = Path(folder) / "log"
        words = ["--port", str(port), "--upload-dir", f"{folder}/uploads", *SERVER_FLAGS, *flags]
        with log.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "tus_reference", *words],
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            try:
                await wait_for_port(process, port, log)
                task_status.started(str(port))
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(stop, process)


async def run_trial(
    name: str, case: Case, pool: ReferencePool, *, direct: bool = False
) -> TrialResult:
    """Start the proxy and what it needs, run doctor, and stop the proxy."""
    product = read_product(name)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tus-proxy-")))
        folder.chmod(0o777)
        values = {"port": str(free_port()), "folder": str(folder)}
        profile = Profile()
        if case.scheme == "https":
            values.update(issue_certificate(folder))
            profile = Profile(tls=Tls(ca=f"{folder}/ca.pem"))
        mirror = None
        if case.mirror:
            values["upstream"] = str(free_port())
            mirror = await stack.enter_async_context(
                open_mirror(int(values["upstream"]), "/files/")
            )
        else:
            flags = ("--behind-proxy", *product.server, *case.server)
            for number in range(case.upstreams):
                key = "upstream" if number == 0 else f"upstream{number + 1}"
                values[key] = await pool.find_port(flags, number)
        text = fill_in(configuration(name, case), values)
        await stack.enter_async_context(run_proxy(product, text, values))
        url = f"{case.scheme}://127.0.0.1:{values['port']}{case.path}"
        own = f"http://127.0.0.1:{values['upstream']}/files/" if direct and not mirror else None
        return await run_doctor(Target(url, profile, case.headers), case, own, mirror)


async def run_doctor(
    target: Target, case: Case, own: str | None, mirror: Mirror | None
) -> TrialResult:
    """Examine a target, next to the server itself where `own` is its URL."""
    began = trio.current_time()
    settings = DoctorSettings(origin=case.origin, slow=case.slow, large=case.large)
    examination = Examination(target, transport_for(target), settings, mirror)
    direct = None
    if own is not None:
        itself = Target(own)
        direct = Examination(itself, transport_for(itself), replace(settings, is_direct=True))
    diagnosis = await diagnose(examination, LeftBehind(), direct)
    innocent = tuple(
        finding.id
        for finding in diagnosis.findings
        if (own or mirror) and finding.culprit != "proxy"
    )
    return TrialResult(
        tuple(finding.id for finding in diagnosis.findings),
        diagnosis.exit_code,
        trio.current_time() - began,
        format_markdown(diagnosis),
        diagnosis.problem or _undetermined(diagnosis),
        innocent,
    )


def _undetermined(diagnosis: Diagnosis) -> str:
    """Return which stage could not be examined, and why, or nothing."""
    return "; ".join(
        f"{stage.name}: {stage.reason}"
        for stage in diagnosis.stages
        if stage.state == "undetermined"
    )


def fill_in(text: str, values: dict[str, str]) -> str:
    """Fill in the placeholders; other braces are the product's own."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@asynccontextmanager
async def run_proxy(product: Product, text: str, values: dict[str, str]) -> AsyncIterator[None]:
    """Run a proxy until the end of the block."""
    folder = Path(values["folder"])
    file, log = folder / product.file, folder / "proxy.log"
    file.write_text(text)
    words = [fill_in(word, {**values, "config": str(file)}) for word in product.start]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [product.program, *words], stdout=said, stderr=said, start_new_session=True
        )
        try:
            await wait_for_port(process, int(values["port"]), log)
            yield
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(stop, process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process that leads a group, and what it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(5)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


async def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until a port of 127.0.0.1 accepts connections; raise RuntimeError if it does not."""
    with trio.move_on_after(START_SECONDS):
        while process.poll() is None:
            try:
                await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
            except OSError:
                await trio.sleep(0.05)
            else:
                if process.poll() is None:
                    return
    raise RuntimeError(f"{process.args!r} does not serve: {log.read_text(errors='replace')[-900:]}")


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free, and that no other trial has got."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _USED_PORTS:
            _USED_PORTS.add(port)
            return port


def issue_certificate(folder: Path) -> dict[str, str]:
    """Write an authority, a chain for 127.0.0.1 and its key; return the places."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    both = folder / "both.pem"
    both.write_bytes(chain.read_bytes() + key.read_bytes())
    return {"certificate": str(chain), "key": str(key), "both": str(both)}


def is_installed(product: Product) -> bool:
    """Return whether the program of a product can be started here."""
    return shutil.which(product.program) is not None
