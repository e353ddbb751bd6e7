"""The command's ways to be served beyond this machine: by TLS, or by a proxy that is named."""

import asyncio
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from assay.cli import cli
from assay.errors import UsageError
from assay.review import serve
from tests.review.classes import a_class
from tests.review.ports import free_port

COMMAND = [sys.executable, "-m", "assay", "review"]
Start = Callable[..., str]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine's name, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    made += ["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the command with these options on a class of two; return the link that it prints."""
    started: list[subprocess.Popen[str]] = []

    def begin(port: int, *options: object) -> str:
        room = a_class(tmp_path / "c", people=2)
        room.book.close()
        command = [*COMMAND, str(room.root), "--by", "tom", "--port", str(port), *map(str, options)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[0].stdout is not None
        return started[0].stdout.readline().split()[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_with_a_certificate_it_speaks_tls_alone(start: Start, certificate: tuple[Path, Path]):
    """The link says https, its cookies are for TLS alone, and nothing goes in the clear."""
    port = free_port()
    link = start(port, "--host", "localhost", "--tls", *certificate)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    with httpx2.Client(verify=trusting, timeout=120) as client:
        entered = client.get(link)
        page = client.get(f"https://localhost:{port}/")
    cookies = entered.headers.get_list("set-cookie")

    assert link.startswith(f"https://localhost:{port}/enter?token=")
    assert len(cookies) == 2
    assert all("Secure" in one and "HttpOnly" in one for one in cookies)
    assert "What there is to mark" in page.text
    with pytest.raises(httpx2.TransportError):
        httpx2.get(link.replace("https:", "http:"), timeout=120)
    with pytest.raises(httpx2.TransportError):  # whoever does not know the certificate is warned
        httpx2.get(link, timeout=120)


def test_behind_a_proxy_it_answers_to_the_proxys_name_alone(start: Start):
    """On this machine, in the clear; a save is taken from a page of that name and no other."""
    port, name = free_port(), "marks.example.org"
    link = start(port, "--behind", f"https://{name}")
    here = f"http://127.0.0.1:{port}"
    with httpx2.Client(base_url=here, headers={"Host": name}, timeout=120) as client:
        entered = client.get(link.replace(f"https://{name}", ""))
        cookies = "; ".join(one.partition(";")[0] for one in entered.headers.get_list("set-cookie"))
        token = cookies.rpartition("=")[2]
        asked = {"Cookie": cookies, "X-CSRF-Token": token}

        def undo(**headers: str) -> int:
            sent = {"question": 1, "round": "1", "save": "u"}
            return client.post("/undo", json=sent, headers=asked | headers).status_code

        assert link.startswith(f"https://{name}/enter?token=")
        assert all("Secure" in one for one in entered.headers.get_list("set-cookie"))
        assert client.get("/", headers={"Cookie": cookies}).status_code == 200
        assert undo(Origin=f"https://{name}") == 200
        for origin in (f"http://{name}", here, "https://evil.example", "null"):
            assert undo(Origin=origin) == 403
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"{name}:{port}", "evil.example"):
            assert client.get("/", headers={"Cookie": cookies, "Host": host}).status_code == 421


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "nothing would be encrypted"),
        (["--host", "192.0.2.7"], "nothing would be encrypted"),
        (["--host", "0.0.0.0", "--behind", "https://marks.example.org"], "would be encrypted"),
        (["--behind", "http://marks.example.org"], "not the address of a proxy"),
        (["--host", "0.0.0.0", "--tls", "cert", "key"], "every address"),
        (["--host", "localhost", "--tls", "none", "none"], "is no certificate with its key"),
        (["--host", "localhost", "--tls", "cert", "none"], "is no certificate with its key"),
        (["--host", "localhost", "--tls", "cert", "other"], "is no certificate with its key"),
        (["--host", "192.0.2.7", "--tls", "cert", "key"], "cannot be listened on"),
        (["--host", "no.such.name.invalid", "--tls", "cert", "key"], "cannot be listened on"),
        (["--by", " "], "no name"),
    ],
)
def test_what_it_is_not_served_with_is_a_wrong_use(
    tmp_path: Path,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    said: str,
):
    """What was wrong and a hint, before a link is printed."""
    none, other = tmp_path / "none.pem", tmp_path / "other.pem"
    none.write_text("no certificate\n")
    made = ["openssl", "genrsa", "-out", str(other), "2048"]
    subprocess.run(made, check=True, capture_output=True)
    files = {"cert": certificate[0], "key": certificate[1], "none": none, "other": other}
    room = a_class(tmp_path / "c", people=1)
    room.book.close()
    monkeypatch.setattr(serve.Server, "run", lambda self: pytest.fail("it is served"))
    words = [str(files.get(one, one)) for one in options]
    ended = CliRunner().invoke(
        cli, ["review", str(room.root), "--by", "tom", "--port", str(free_port()), *words]
    )

    assert isinstance(ended.exception, UsageError), ended.output
    assert said in ended.exception.what
    assert ended.exception.hint
    assert ended.stdout == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_small_answers_are_sent_at_once(host: str):
    """Without it each answer to a browser that stays connected takes 40 ms more."""

    async def asked() -> int:
        found: asyncio.Queue[int] = asyncio.Queue()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            own = writer.get_extra_info("socket")
            found.put_nowait(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        server = await asyncio.start_server(answer, sock=serve._bound(host, port))
        async with server:
            _, writer = await asyncio.open_connection(host, port)
            said = await found.get()
            writer.close()
        return said

    port = free_port()

    assert asyncio.run(asked())
