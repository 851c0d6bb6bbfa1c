"""Everything the project does, as nox sessions; each installs what it needs.

nox -s conformance -- --target URL    the suite against a server
nox -s tests lint types               what CI runs
nox -s proof                          the suite against servers with known defects
nox -s mutants                        the judging and the wire with small changes, against the tests
nox -s unseen                         the reference with small changes, against the suite
nox -s serve                          the reference server
nox -s s3 -- localstack               the suite against the reference on a real S3
nox -s shells                         the suite through nginx, TLS, workers and the trio server
nox -s embedding                      the reference in frameworks, the suite through ASGI servers
nox -s uppy                           Uppy in Chromium, from another origin, against the reference
nox -s peers                          the suite against servers that nobody here wrote
nox -s clients                        real clients in every situation
nox -s proxies                        doctor through real proxies, well and badly configured
nox -s client_proof                   the situations against clients that are wrong on purpose
nox -s site                           the documentation site
nox -s package                        sdist and wheel, and the wheel tried in an empty environment
nox -s pages                          the pages of the reports in Chromium
"""

from __future__ import annotations

import gzip
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import nox

nox.options.sessions = ["tests", "lint", "types"]
nox.options.reuse_existing_virtualenvs = True

REPORTS = Path("report")
S3_REQUIREMENTS = Path("reference/interop/requirements")
DRIVERS = Path("conformance/drivers")
PUBLISHED = Path("reports/published")
PEERS = Path("conformance/peers")
MAX_MODULE_LINES = 600


def interpreters() -> list[str]:
    """Return the Pythons from 3.11 to 3.13 that the machine has; in CI the one that runs nox."""
    current = f"{sys.version_info.major}.{sys.version_info.minor}"
    if os.environ.get("CI"):
        return [current]
    other_versions = [
        v
        for v in ("3.11", "3.12", "3.13")
        if v != current and _is_working_interpreter(f"python{v}")
    ]
    return [current, *other_versions]


def _is_working_interpreter(interpreter: str) -> bool:
    """Return whether an interpreter runs; shims of version managers can be names only."""
    found = shutil.which(interpreter)
    if found is None:
        return False
    completed = subprocess.run([found, "-c", ""], capture_output=True, check=False)
    return completed.returncode == 0


@nox.session
def conformance(session: nox.Session) -> None:
    """Run the suite; the arguments and the exit codes are those of `tus-conformance run`."""
    # A run against a URL installs little; the reference on an S3 needs more.
    extras = {"s3-moto": "[dev]", "s3-localstack": "[s3]"}
    session.install("-e", "." + "".join(extras[each] for each in session.posargs if each in extras))
    sys.exit(_run_suite(session, *session.posargs))


@nox.session(python=interpreters())
def tests(session: nox.Session) -> None:
    """Run the tests, on every Python the machine has; arguments go to pytest."""
    session.install("-e", ".[dev,mutants]")
    # The tests are independent of each other, so every core has its share.
    session.run("pytest", *(session.posargs or ("-n", "auto")))


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style, the length of modules, and which package imports which."""
    session.install("-e", ".", "ruff", "import-linter")
    _check_module_lengths(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


def _check_module_lengths(session: nox.Session) -> None:
    """Fail for modules over MAX_MODULE_LINES; ruff has no rule for that."""
    for folder in ("conformance", "reference", "reports", "scenarios"):
        for path in sorted(Path(folder).rglob("*.py")):
            count = len(path.read_text("utf-8").splitlines())
            if count > MAX_MODULE_LINES:
                session.error(
                    f"{path} has {count} lines, {MAX_MODULE_LINES} are allowed;"
                    " make two modules of it, each with one noun."
                )


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
    session.install("-e", ".")
    found = _run_peers(session, REPORTS / "peers", *session.posargs)
    if not set(found.values()) <= {0, 1}:
        session.error("A run could not tell; see above.")


@nox.session
def proxies(session: nox.Session) -> None:
    """Run doctor through real proxies: `-- [PRODUCT[/CASE]]... [--direct] [--jobs N]`.

    conformance/proxies has the configurations. A product that is not installed is left out.
    """
    session.install("-e", ".[dev]")
    with session.chdir("conformance"):
        session.run("python", "-m", "proxies", *session.posargs)


@nox.session
def clients(session: nox.Session) -> None:
    """Judge real clients: `-- [NAME]... [-- ARGUMENTS]`, by default every driver.

    NAME is a folder of conformance/drivers; arguments are those of `tus-conformance clients`. The
    records go to report/clients.
    """
    session.install("-e", ".")
    words = list(session.posargs)
    split = words.index("--") if "--" in words else len(words)
    names, arguments = words[:split], words[split + 1 :]
    known = sorted(path.parent.name for path in DRIVERS.glob("*/client.toml"))
    if unknown := [name for name in names if name not in known]:
        session.error(f"There is no driver {unknown[0]!r}; there are {', '.join(known)}.")
    found = {}
    for name in names or known:
        home = Path(session.create_tmp()).resolve() / name
        folder = DRIVERS / name
        missing = _install_driver(session, folder, home)
        if missing:
            session.warn(f"{name} is left out: {missing}.")
            continue
        report = ("--report-dir", str((REPORTS / "clients" / name).resolve()))
        environment = {
            "PATH": f"{home}/venv/bin:{session.bin}:{os.environ['PATH']}",
            "NODE_PATH": f"{home}/node_modules",
            "CLASSPATH": f"{home}/lib/*",
            "CHROMIUM": shutil.which("chromium") or "",
        }
        program = str(Path(session.bin) / "tus-conformance")
        with session.chdir(folder):
            command = [program, "clients", "--profile", "client.toml", *report, *arguments]
            completed = subprocess.run(command, env={**os.environ, **environment}, check=False)
        found[name] = completed.returncode
    session.log(", ".join(f"{name}: exit {code}" for name, code in found.items()))


def _install_driver(session: nox.Session, folder: Path, home: Path) -> str:
    """Install what a driver needs into a folder; return what is missing, or ""."""
    packages = tomllib.loads((folder / "client.toml").read_text("utf-8")).get("install", {})
    home.mkdir(parents=True, exist_ok=True)
    for program in packages.get("programs", []):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if "pip" in packages:
        python = home / "venv/bin/python"
        session.run(sys.executable, "-m", "venv", str(home / "venv"), external=True)
        session.run(str(python), "-m", "pip", "install", "-q", *packages["pip"], external=True)
    if "npm" in packages:
        if shutil.which("npm") is None:
            return "npm is not installed"
        with session.chdir(home):
            quiet = ("--no-audit", "--no-fund", "--silent", "--prefix", str(home))
            session.run("npm", "install", *quiet, *packages["npm"], external=True)
    if "maven" in packages:
        if shutil.which("mvn") is None:
            return "Maven is not installed"
        (home / "pom.xml").write_text(_maven_project(packages["maven"]), "utf-8")
        with session.chdir(home):
            copy = ("dependency:copy-dependencies", "-DoutputDirectory=lib")
            session.run("mvn", "-q", "-B", *copy, external=True)
    return ""


def _maven_project(packages: list[str]) -> str:
    """Return the project file of a driver that needs these packages, GROUP:NAME:VERSION."""
    names = ("groupId", "artifactId", "version")
    dependencies = "".join(
        "<dependency>"
        + "".join(
            f"<{name}>{value}</{name}>"
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

    `-- great [RECORD]` measures a page of ten thousand scenarios instead.
    """
    session.install("-e", ".[dev,browser]")
    large_report = session.posargs[:1] == ["great"]
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
    """Make the published records anew, of the reference and of every peer or the named ones.

    Each server has a folder by its name and version, with its packed record and a brief report;
    all that are there make the matrix. Its table goes into README.md, too, between the lines that
    say where.
    """
    session.install("-e", ".[browser]")
    _run_suite(session, "--seed", "1", "--report-dir", str(PUBLISHED / "reference"))
    found = _run_peers(session, PUBLISHED, *session.posargs, "--seed", "1")
    for name in ("reference", *found):
        if not (PUBLISHED / name / "run.ndjson").exists():
            session.error(f"The run against {name} left no record; see above.")
        _publish_record(session, name, _server_version(session, name))
    records = [
        str(path)
        for name in ("reference", *_peer_names())
        for path in PUBLISHED.glob(f"{name}-[0-9]*/run.ndjson.gz")
    ]
    for kind, name in (("html", "matrix.html"), ("markdown", "matrix.md")):
        out = str(PUBLISHED / name)
        session.run("tus-conformance", "report", *records, "--format", kind, "--out", out)
    version_match = session.run(
        "tus-conformance", "report", *records, "--format", "markdown", silent=True
    )
    _update_readme_table(str(version_match))
    report = Path((records[1:] or records)[0]).with_name("index.html")
    pages = (("matrix", PUBLISHED / "matrix.html"), ("report", report))
    pairs = [f"{page.resolve()}={PUBLISHED.resolve()}/{name}.png" for name, page in pages]
    with session.chdir("reports"):
        session.run("python", "-m", "browser.screenshots", *pairs)


def _publish_record(session: nox.Session, name: str, version: str) -> None:
    """Move a server's record, packed, to where its version is published, a report beside it."""
    for earlier in PUBLISHED.glob(f"{name}-[0-9]*"):
        shutil.rmtree(earlier)
    folder = (PUBLISHED / name).rename(PUBLISHED / f"{name}-{version}")
    plain, packed = folder / "run.ndjson", folder / "run.ndjson.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    plain.unlink()
    page = ("--format", "html", "--brief", "--out", str(folder / "index.html"))
    session.run("tus-conformance", "report", str(packed), *page)


def _server_version(session: nox.Session, name: str) -> str:
    """Return a server's version: that of the program which a variable names, or the pinned one."""
    if name == "reference":
        project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
        return str(project["project"]["version"])
    recipe = _read_recipe(name)
    program = os.environ.get(recipe.get("program-variable", ""))
    if program is None:
        return str(recipe["version"])
    text = str(session.run(program, *recipe["version-arguments"], silent=True, external=True))
    version_match = re.search(r"\d+\.\d+\.\d+", text)
    return version_match[0] if version_match else "unknown"


def _update_readme_table(table: str) -> None:
    """Put the table of the servers into README.md where that has a place for it."""
    readme = Path("README.md")
    before, begin_marker, rest = readme.read_text("utf-8").partition("<!-- servers -->\n")
    _, end_marker, after = rest.partition("<!-- end of servers -->")
    if begin_marker and end_marker:
        readme.write_text(f"{before}{begin_marker}\n{table}\n{end_marker}{after}", "utf-8")


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
    home = Path(session.create_tmp()).resolve() / "venv"
    session.run(sys.executable, "-m", "venv", "--clear", str(home), external=True)
    wheel = next(Path("dist").glob("*.whl"))
    session.run(str(home / "bin/pip"), "install", "-q", str(wheel), external=True)
    session.run(str(home / "bin/tus-conformance"), "--version", external=True)
    one = ("--only", "core.options.answer")
    session.run(str(home / "bin/tus-conformance"), "run", *one, external=True)
    _run_container_steps(session, Path(session.create_tmp()).resolve() / "container")


def _run_container_steps(session: nox.Session, home: Path) -> None:
    """Run the steps of the Containerfile in an environment instead of a container.

    The image's own Python and its user are what a machine without containers cannot try.
    """
    shutil.rmtree(home, ignore_errors=True)
    session.run(sys.executable, "-m", "venv", str(home / "venv"), external=True)
    lines = Path("Containerfile").read_text("utf-8").splitlines()
    for line in lines:
        step, _, text = line.partition(" ")
        text = text.replace("/source", f"{home}/source").replace(
            "python3", f"{home}/venv/bin/python"
        )
        if step == "COPY":
            ignored = shutil.ignore_patterns(*Path(".dockerignore").read_text("utf-8").split())
            shutil.copytree(".", home / "source", ignore=ignored)
        elif step == "RUN" and not text.startswith("useradd"):
            session.run("sh", "-c", text, external=True)
        elif step == "ENTRYPOINT":
            (program,) = re.findall(r'"(.*?)"', text)
            session.run(str(home / "venv/bin" / program), "--version", external=True)
    session.run(str(home / "venv/bin/tus-reference"), "--version", external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the reference beside socat and the peers; arguments are those of the benchmarks."""
    session.install("-e", ".[dev]")
    home = Path(session.create_tmp()).resolve()
    server_options = []
    for name in ("tusd", "tus-node-server", "tuspyserver"):
        command = _install_peer(session, name, home)
        if command is not None:
            uploads = f"{home}/{name}/uploads"
            words = command.replace("{port}", "PORT").replace(uploads, "FOLDER")
            server_options += ["--server", f"{name}={words}"]
    with session.chdir("reference"):
        session.run("python", "-m", "benchmarks", *server_options, *session.posargs)


@nox.session
def shells(session: nox.Session) -> None:
    """Run the suite on the reference in the ways of docs/running.md: `-- [WAY]... [-- ARGUMENTS]`.

    They are trio, workers, workers-s3, tls, nginx and nginx-prefix, and systemd, which checks the
    unit. NGINX may name the program.
    """
    session.install("-e", ".[dev]")
    with session.chdir("reference"):
        session.run("python", "-m", "interop.deployments", *session.posargs)


@nox.session
def embedding(session: nox.Session) -> None:
    """Run the reference in every framework, and the suite through uvicorn and hypercorn.

    Arguments are those of the suite; the records go to report/asgi.
    """
    session.install("-e", ".[dev,embedding]")
    session.run(
        "pytest", "reference/tests/asgi/test_app.py", "reference/tests/asgi/test_frameworks.py"
    )
    home = Path(session.create_tmp()).resolve()
    report = (REPORTS / "asgi").resolve()
    found = {}
    with session.chdir("reference"):
        for name in ("uvicorn", "hypercorn"):
            command = f"{session.bin}/python -m interop.asgi_server {name} {{port}} {home}/{name}"
            where = ("--target", "http://127.0.0.1:{port}/files/", "--report-dir")
            arguments = ("--server-command", command, *where, f"{report}/{name}", *session.posargs)
            found[name] = _run_suite(session, *arguments)
    session.log(", ".join(f"{name}: exit {code}" for name, code in found.items()))
    if any(found.values()):
        session.error("The suite is not content through both; see above.")


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
        session.run(
            "python", "-m", "interop.uppy_in_browser", f"{home}/node_modules", *session.posargs
        )


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
    report = ("--report-dir", str((REPORTS / "s3" / s3_name).resolve()))
    with session.chdir("reference"):
        session.run("python", "-m", "interop.s3_suite", s3_name, *report, *arguments, env=found)


def _run_peers(session: nox.Session, reports: Path, *arguments: str) -> dict[str, int]:
    """Run the suite against the peers that are named first, or all; return the exit codes."""
    known = _peer_names()
    named = list(itertools.takewhile(known.__contains__, arguments))
    home = Path(session.create_tmp()).resolve().relative_to(Path.cwd())
    found = {}
    for name in named or known:
        command = _install_peer(session, name, home)
        if command is None:
            continue
        found[name] = _run_suite(
            session,
            *("--server-command", command),
            *("--profile", f"{PEERS}/{name}/profile.toml"),
            *("--report-dir", str(reports / name)),
            *("--target", "http://127.0.0.1:{port}" + _read_recipe(name).get("path", "/files/")),
            *arguments[len(named) :],
        )
    session.log(", ".join(f"{name}: exit {code}" for name, code in found.items()))
    return found


def _run_suite(session: nox.Session, *arguments: str) -> int:
    command = [str(Path(session.bin) / "tus-conformance"), "run", *arguments]
    return subprocess.run(command, check=False).returncode


def _peer_names() -> list[str]:
    """Return the peers that have a recipe."""
    return sorted(path.parent.name for path in PEERS.glob("*/recipe.toml"))


def _read_recipe(name: str) -> dict[str, Any]:
    """Return how a peer is installed and started; conformance/peers/README.md has the keys."""
    return tomllib.loads((PEERS / name / "recipe.toml").read_text("utf-8"))


def _install_peer(session: nox.Session, name: str, home: Path) -> str | None:
    """Install a peer by its recipe; return the command that starts it.

    None where it cannot be had here, with a warning that says why.
    """
    recipe, folder = _read_recipe(name), _copy_peer(PEERS / name, home)
    interpreter = _find_interpreter(recipe.get("python"))
    reason = recipe.get("cannot-start", "")
    if not reason and interpreter is None:
        reason = f"it needs Python {recipe['python']}"
    if reason:
        session.warn(f"{name} is left out: {reason}.")
        return None
    given = os.environ.get(recipe.get("program-variable", ""))
    values = {"folder": str(folder.resolve()), "interpreter": str(interpreter)}
    values["python"] = f"{values['folder']}/venv/bin/python"
    values["program"] = given or _fill_in(recipe.get("program", ""), values)
    if given is None and not _run_install_commands(session, recipe, values):
        session.warn(f"{name} is left out: it cannot be installed here.")
        return None
    return _fill_in(" ".join(recipe["start"].split()), values)


def _run_install_commands(
    session: nox.Session, recipe: dict[str, Any], values: dict[str, str]
) -> bool:
    """Run the commands of a recipe; return whether each succeeded."""
    variables = {key: _fill_in(text, values) for key, text in recipe.get("environment", {}).items()}
    for command in recipe["install"]:
        words = [_fill_in(word, values) for word in command]
        try:
            session.run(*words, env=variables, external=True)
        except nox.command.CommandFailed:
            return False
    return True


def _fill_in(text: str, values: dict[str, str]) -> str:
    """Fill in values; {port} stays, because the suite chooses the port."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _find_interpreter(version: str | None) -> str | None:
    """Return a Python of a version, such as "3.12", or that of nox if any will do."""
    if version is None or sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    found = f"python{version}"
    return shutil.which(found) if _is_working_interpreter(found) else None


def _copy_peer(source: Path, home: Path) -> Path:
    """Copy a peer's files beside what it installs, without what an earlier run has uploaded."""
    folder = home / source.name
    shutil.rmtree(folder / "uploads", ignore_errors=True)
    shutil.copytree(source, folder, dirs_exist_ok=True)
    (folder / "uploads").mkdir()
    return folder
