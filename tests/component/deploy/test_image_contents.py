"""Each image as far as that goes without an engine: its packages, its copies, its environment, its entry point.

What is installed, copied and set is read from the Dockerfile itself. Not shown here: the base image, its user, and a
file system that is really read-only.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from deploy.local.certificates import ensure_certificates
from deploy.local.layout import SERVICES
from deploy.local.ports import HOST, choose_ports
from tests.unit.deploy.dockerfiles import IMAGES, place, stages

LIMIT_BYTES = 150_000_000
REQUIRED = ("PUBLIC_URL", "MONGO_URL", "AMQP_URL", "KEY_DIR", "SEAL_KEYS_DIR", "JWKS_URL")
BUILD_TOOLS = ("pip", "setuptools", "wheel", "uv")


@dataclass
class Contents:
    """What would be in the image, under `root`: /app, /opt/venv, and how it is started."""

    root: Path
    environ: dict[str, str]
    entrypoint: list[str]
    health: list[str]

    @property
    def app(self) -> Path:
        return self.root / "app"

    def command(self, *words: str) -> list[str]:
        return [self._python(self.entrypoint[0]), *self.entrypoint[1:], *words]

    def tool(self, name: str, *words: str) -> list[str]:
        return [self._python("python"), "-m", f"tools.{name}", *words]

    def _python(self, word: str) -> str:
        assert word == "python"
        return str(self.root / "opt/venv/bin/python")

    def run(self, command: list[str], **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environ | environ, cwd=self.app, capture_output=True, text=True, check=False, timeout=30
        )

    def files(self) -> set[Path]:
        return {path.relative_to(self.root) for path in self.root.rglob("*")}

    def packages(self) -> Path:
        [found] = (self.root / "opt/venv/lib").glob("python*/site-packages")
        return found


def unpack(root: Path, file: str, **arguments: str) -> None:
    """Do what the Dockerfile says, as far as it concerns files."""
    [build, _] = stages(file, **arguments)
    ignored = (IMAGES / f"{file}.dockerignore").read_text().splitlines()
    nowhere = [line.removeprefix("**/") for line in ignored if line.startswith("**/")]
    lock = root / "build" / "lock.txt"
    for sources, target in build.copies():
        for source, to in place(sources, target):
            there = root / to.lstrip("/")
            there.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, there, ignore=shutil.ignore_patterns(*nowhere))
            else:
                shutil.copy(source, there)
    venv = root / "opt/venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    uv = str(Path(sys.prefix) / "bin" / "uv")
    install = [
        "pip",
        "install",
        "-q",
        "--python",
        str(venv / "bin/python"),
        "--only-binary",
        ":all:",
        "--require-hashes",
    ]
    subprocess.run([uv, *install, "-r", str(lock)], check=True)
    compiled = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(venv / "lib"), str(root / "app")]
    subprocess.run([str(venv / "bin/python"), *compiled], check=True)


def contents_of(root: Path, file: str, **arguments: str) -> Contents:
    """What the last stage says of environment and commands."""
    [_, final] = stages(file, **arguments)
    here = {name: value.replace("/opt/venv", str(root / "opt/venv")) for name, value in final.environ().items()}
    return Contents(
        root,
        here | {"PYTHONPATH": str(root / "app")},
        final.command("ENTRYPOINT"),
        final.command("HEALTHCHECK"),
    )


def unpacked_once(factory: pytest.TempPathFactory, file: str, **arguments: str) -> Contents:
    """One for all workers of a run: unpacking takes longer than all tests of an image."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    root = shared / "-".join(["image", file, *arguments.values()])
    with root.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            unpack(root.with_suffix(".draft"), file, **arguments)
            root.with_suffix(".draft").rename(root)
    return contents_of(root, file, **arguments)


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def contents(service: str, tmp_path_factory: pytest.TempPathFactory) -> Contents:
    return unpacked_once(tmp_path_factory, "Dockerfile", SERVICE=service)


@pytest.fixture
def settings(contents: Contents, service: str, mongo_url: str, broker_url: str, tmp_path: Path) -> dict[str, str]:
    """What a process needs, with keys that the image's own tool has made."""
    [port] = choose_ports(tmp_path / "ports.json", names=("http",), preferred={}).values()
    secrets = tmp_path / "secrets"
    made = contents.run(contents.tool("make_secrets", str(secrets)))
    assert made.returncode == 0, made.stderr
    given = {
        "PUBLIC_URL": "https://shop.example",
        "HTTP_HOST": HOST,
        "HTTP_PORT": str(port),
        "MONGO_URL": mongo_url,
        "MONGO_DATABASE": f"test-image-{service}-{os.getpid()}",
        "AMQP_URL": broker_url,
        "KEY_DIR": str(secrets / "keys" / service),
        "SEAL_KEYS_DIR": str(secrets / "public" / "seal"),
        "JWKS_URL": "http://127.0.0.1:1/jwks.json",
    }
    if service == "mailer":
        given["SMTP_URL"] = "smtp://127.0.0.1:1"
    return {f"PADLOCK_{name}": value for name, value in given.items()}


def test_config_prints_every_setting(contents: Contents) -> None:
    done = contents.run(contents.command("config"))

    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"PADLOCK_{name} " in done.stdout for name in REQUIRED)


def test_missing_settings_are_listed_and_nothing_starts(contents: Contents) -> None:
    done = contents.run(contents.command("serve"))

    assert done.returncode == 2
    assert all(f"PADLOCK_{name}: is required" in done.stderr.splitlines() for name in REQUIRED)


async def test_it_serves_answers_its_health_check_and_stops(contents: Contents, settings: dict[str, str]) -> None:
    before = contents.files()
    assert contents.run(contents.command("indexes"), **settings).returncode == 0

    async with running(contents.command("serve"), contents.app, contents.environ | settings) as process:
        await healthy(contents, settings)
        ready = await asyncio.to_thread(contents.run, contents.tool("probe", "/readyz"), **settings)
        process.send_signal(signal.SIGTERM)
        stopped = await asyncio.wait_for(process.wait(), 15)

    assert (ready.returncode, ready.stderr) == (0, "")
    assert stopped == 0
    assert contents.files() == before, "something was written beside the code, which is read-only in a container"


def test_a_health_check_fails_where_nobody_answers(contents: Contents, settings: dict[str, str]) -> None:
    done = contents.run(contents.tool("probe", *contents.health[3:]), **settings)

    assert (done.returncode, done.stderr) == (1, "ConnectionRefusedError\n")


def test_dependencies_stay_under_150_mb_without_build_tools(contents: Contents) -> None:
    packages = contents.packages()

    size = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())
    print(f"{size / 1e6:.0f} MB")

    assert size < LIMIT_BYTES
    assert [name for name in BUILD_TOOLS if (packages / name).exists()] == []


def test_only_one_service_is_inside(contents: Contents, service: str) -> None:
    inside = {path.name for path in (contents.app / "services").iterdir() if path.name != "__pycache__"}

    assert inside == {"__init__.py", service}
    assert {path.name for path in contents.app.iterdir()} == {"shared", "services", "tools"}


async def healthy(contents: Contents, settings: dict[str, str]) -> None:
    """Ask as the engine would, until the answer is yes."""
    command = contents.tool("probe", *contents.health[3:])
    async with asyncio.timeout(20):
        while (await asyncio.to_thread(contents.run, command, **settings)).returncode:
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def running(
    command: list[str], folder: Path, environ: dict[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environ)
    try:
        yield process
    finally:
        await ended(process)


async def ended(process: asyncio.subprocess.Process) -> None:
    """In good order where it can: an nginx that is killed leaves its worker behind."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 5)
    except TimeoutError:
        process.kill()
        await process.wait()


class TestGateway:
    """Debian's nginx is the machine's own; all else is what the image would hold."""

    @pytest.fixture
    def contents(self, tmp_path_factory: pytest.TempPathFactory) -> Contents:
        return unpacked_once(tmp_path_factory, "gateway.Dockerfile")

    @pytest.fixture
    async def upstream(self) -> AsyncIterator[str]:
        async def say(request: web.Request) -> web.Response:
            return web.json_response({"for": request.headers["X-Forwarded-For"], "path": request.path})

        app = web.Application()
        app.router.add_get("/{path:.*}", say)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        yield f"{HOST}:{runner.addresses[0][1]}"
        await runner.cleanup()

    @pytest.fixture
    def environ(self, contents: Contents, upstream: str, tmp_path: Path) -> dict[str, str]:
        ensure_certificates(tmp_path / "tls", now=datetime.now(UTC))
        upstreams = {f"GATEWAY_UPSTREAM_{name.upper()}": upstream for name in SERVICES}
        own = {"GATEWAY_TLS": str(tmp_path / "tls"), "GATEWAY_FOLDER": str(tmp_path / "run")}
        return contents.environ | upstreams | own | {"GATEWAY_PUBLIC_URL": "https://localhost:8443"}

    def test_it_lists_what_is_missing(self, contents: Contents) -> None:
        done = contents.run(contents.command())

        assert done.returncode == 2
        assert "GATEWAY_PUBLIC_URL: is required" in done.stderr

    def test_nginx_accepts_what_is_rendered(self, contents: Contents, environ: dict[str, str]) -> None:
        before = contents.files()

        done = contents.run(contents.command("--check"), **environ, GATEWAY_PROXY_FROM="10.0.0.0/8 fd00::/8")

        assert done.returncode == 0, done.stderr
        assert contents.files() == before

    async def test_it_passes_requests_on_and_believes_the_named_proxy(
        self, contents: Contents, environ: dict[str, str], tmp_path: Path
    ) -> None:
        ports = choose_ports(tmp_path / "ports.json", names=("http", "https"), preferred={})
        command = contents.command("--check")
        done = contents.run(command, **environ, GATEWAY_PROXY_FROM="127.0.0.0/8")
        assert done.returncode == 0, done.stderr
        moved = moved_to(tmp_path / "run" / "nginx.conf", ports)

        async with running(["/usr/sbin/nginx", "-c", str(moved), "-e", "stderr"], tmp_path, environ):
            answer = await ask_through_proxy(ports["https"], tmp_path / "tls" / "ca.pem")

        assert answer == {"for": "203.0.113.7", "path": "/api/orders/products"}


def moved_to(configuration: Path, ports: dict[str, int]) -> Path:
    """The same configuration on ports that are free here."""
    text = configuration.read_text()
    for old, new in (("listen 8080 ", ports["http"]), ("listen 8443 ", ports["https"])):
        assert old in text
        text = text.replace(old, f"listen {HOST}:{new} ")
    moved = configuration.with_name("moved.conf")
    moved.write_text(text)
    return moved


async def ask_through_proxy(port: int, ca: Path) -> Any:
    """GET with a line of the PROXY protocol (version 1) in front of the TLS handshake, as a balancer sends it."""
    async with asyncio.timeout(10):
        while True:
            try:
                reader, writer = await asyncio.open_connection(HOST, port)
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
        writer.write(b"PROXY TCP4 203.0.113.7 192.0.2.1 40000 443\r\n")
        await writer.start_tls(ssl.create_default_context(cafile=str(ca)), server_hostname="localhost")
        writer.write(b"GET /api/orders/products HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    assert b" 200 " in head.splitlines()[0]
    return json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
