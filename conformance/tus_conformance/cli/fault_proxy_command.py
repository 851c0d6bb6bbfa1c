"""`tus-conformance fault-proxy`: a proxy that injects network faults by a plan."""

from __future__ import annotations

import argparse
from pathlib import Path

from tus_conformance.cli.output import print_line, usage_error
from tus_conformance.cli.proxy_options import add_proxy_options, serve_proxy
from tus_conformance.cli.target_options import add_seed_option
from tus_conformance.evaluation import exit_codes
from tus_conformance.proxy import (
    FaultPlanError,
    ProxiedRequest,
    ProxyServer,
    TrafficSummary,
    Upstream,
    UpstreamError,
    read_fault_plan,
)
from tus_conformance.runner.option_values import random_seed

DESCRIPTION = """\
Relay requests from a client to a server, and inject network faults by a plan.
Prints a line for each request with the faults injected. End it with Ctrl-C."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fault-proxy`."""
    add_proxy_options(parser)
    parser.add_argument(
        "--plan", type=Path, required=True, metavar="FILE", help="the faults and their chances"
    )
    add_seed_option(parser, "the faults")


def run(options: argparse.Namespace) -> int:
    """Inject network faults by a plan, until the user ends it."""
    seed = random_seed() if options.seed is None else options.seed
    try:
        rules = read_fault_plan(options.plan, seed)
        upstream = Upstream(options.upstream)
    except (FaultPlanError, UpstreamError) as wrong:
        return usage_error(str(wrong))
    summary = TrafficSummary()

    def print_request(proxied: ProxiedRequest) -> None:
        summary.add(proxied)
        print_line(proxied.summary())

    for rule in rules.plan.rule:
        print_line(f"{rule.scope}: {rule.description}")
    proxy = ProxyServer(upstream, choose=rules.choose, on_end=print_request)
    code = serve_proxy(proxy, options.listen, f"Seed {seed}. ")
    for sentence in summary.sentences() if code == exit_codes.CONFORMANT else ():
        print_line(sentence)
    return code
