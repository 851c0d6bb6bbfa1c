"""Whether the suite comes to the same verdicts through a proxy as without it.

The proxies have the configurations that docs/proxies.md shows, and the reference server the flags
that the page names with them.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import trio

from proxies.documentation import documented_configuration
from proxies.trial import (
    ReferencePool,
    fill_in,
    free_port,
    read_product,
    run_proxy,
)
from tus_reports.compare import Comparison, compare
from tus_reports.record_reader import Record, read

FLAGS = ("--behind-proxy",)


@dataclass(frozen=True)
class ProductComparison:
    """The runs with and without one proxy, in seconds, and how their verdicts differ.

    `unexpected` are scenarios that `differences` of the product does not explain, `outdated` those
    that it explains and that no longer differ; `tail` is what the run through the proxy printed.
    """

    comparison: Comparison
    seconds: float
    unexpected: tuple[str, ...]
    outdated: tuple[str, ...]
    tail: str

    @property
    def is_right(self) -> bool:
        """Return whether all that differs is explained, and a footer says that the run ended."""
        return not (self.unexpected or self.outdated or self.comparison.new.footer is None)


@dataclass
class SuiteComparer:
    """Compares runs through proxies with runs without; each server is run alone only once."""

    pool: ReferencePool
    folder: Path
    arguments: tuple[str, ...] = ()
    _direct: dict[tuple[str, ...], Record] = field(default_factory=dict)

    async def compare_product(self, name: str) -> ProductComparison:
        """Run the suite through the documented configuration of a product."""
        product = read_product(name)
        flags = (*FLAGS, *product.server)
        upstream = await self.pool.find_port(flags, 0)
        if flags not in self._direct:
            home = self.folder / f"direct-{len(self._direct)}"
            self._direct[flags], _ = await self._run_suite(int(upstream), home)
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tus-proxy-")))
            folder.chmod(0o777)
            values = {"port": str(free_port()), "upstream": upstream, "folder": str(folder)}
            text = fill_in(documented_configuration(name), values)
            await stack.enter_async_context(run_proxy(product, text, values))
            began = trio.current_time()
            record, tail = await self._run_suite(int(values["port"]), self.folder / name)
            seconds = trio.current_time() - began
        comparison = compare(self._direct[flags], record)
        found = {change.id for change in comparison.changes if change.noun == "scenario"}
        selected = {each.id for each in record.scenarios if each.is_selected}
        return ProductComparison(
            comparison,
            seconds,
            tuple(sorted(found - set(product.differences))),
            tuple(sorted(set(product.differences) & selected - found)),
            tail,
        )

    async def _run_suite(self, port: int, home: Path) -> tuple[Record, str]:
        """Run the suite against a port; return the record and what was printed."""
        home.mkdir(parents=True, exist_ok=True)
        url = f"http://127.0.0.1:{port}/files/"
        words = ["run", url, "--no-profile", "--report-dir", str(home), "--seed", "1", "--quiet"]
        ended = await trio.run_process(
            [sys.executable, "-m", "tus_conformance", *words, *self.arguments],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
        printed = (ended.stdout + ended.stderr).decode(errors="replace")
        (home / "output.txt").write_text(printed, "utf-8")
        return read(home / "run.ndjson"), printed


def describe_comparison(name: str, result: ProductComparison) -> str:
    """Return a comparison in a line, and one for each difference that is not explained."""
    mark = "ok   " if result.is_right else "WRONG"
    lines = [f"{mark} {name} ({result.seconds:.1f} s): {result.comparison.sentence}"]
    lines += [
        f"      {change.id}: {change.before} -> {change.after}: {change.detail}"
        for change in result.comparison.changes
        if change.noun == "scenario" and change.id in result.unexpected
    ]
    lines += [f"      {each} no longer differs" for each in result.outdated]
    return "\n".join(lines)
