"""What the environment does to the way to a server is named where something fails by it."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from openai import Timeout

from evalkit.errors import ModelError, UsageError
from evalkit.models.network import CONNECT_SECONDS, open_client, proxy_variable
from evalkit.models.openai import open_openai
from evalkit.schema import Answer, Failure, ModelSpec
from tests.runner.asking import make_job
from tests.servers.openai_server import Server

NOWHERE = "http://127.0.0.1:1"
ANSWER = b'{"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}'


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for kind in ("HTTP", "HTTPS", "ALL"):
        monkeypatch.delenv(f"{kind}_PROXY", raising=False)
        monkeypatch.delenv(f"{kind}_proxy".lower(), raising=False)


def ask(url: str, model: str = "m") -> Answer | Failure:
    async def main() -> Answer | Failure:
        provider = open_openai(ModelSpec("arm", "openai", model, "base", base_url=url))
        try:
            (outcome,) = await provider.complete([make_job("m", 1).request])
        finally:
            await provider.close()
        return outcome

    return asyncio.run(main())


def test_a_proxy_that_is_not_there_is_named(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOWHERE)
    outcome = ask(server.url)
    assert isinstance(outcome, Failure)
    assert "through the proxy that HTTP_PROXY names; NO_PROXY=127.0.0.1 would" in outcome.message
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert isinstance(ask(server.url), Answer)


@pytest.mark.parametrize(
    ("variables", "url", "name"),
    [
        ({}, "http://a/v1", None),
        ({"http_proxy": "http://p"}, "http://a/v1", "http_proxy"),
        ({"http_proxy": "http://p"}, "https://a/v1", None),
        ({"ALL_PROXY": "http://p"}, "https://a/v1", "ALL_PROXY"),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "b,.a"}, "https://x.a:8443/v1", None),
    ],
)
def test_which_variable_names_the_proxy(
    variables: dict[str, str], url: str, name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert proxy_variable(url) == name


@pytest.mark.parametrize("address", ["::::", "127.0.0.1:x", "gopher://proxy"])
def test_a_proxy_whose_address_is_none_is_named(
    address: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", address)
    with pytest.raises(ModelError, match=r"HTTP_PROXY holds is no proxy.s address; expected http"):
        ask(server.url)


def test_a_proxy_that_wants_a_password_is_no_refusal_of_the_prompt(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(407)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Closed) as proxy:
        Thread(target=proxy.serve_forever, daemon=True).start()
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        outcome = ask(server.url)
        proxy.shutdown()
    assert isinstance(outcome, Failure)
    assert "a proxy on the way wants a name and a password" in outcome.message
    assert outcome.fatal
    assert not server.asked


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key, in one file, of 127.0.0.1 and signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("nothing makes a certificate here")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path,
            "-out", path.with_suffix(".crt"), "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=IP:127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


@pytest.fixture
def secured(certificate: Path) -> Iterator[str]:
    """The address of a server behind that certificate."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_a_certificate_that_nobody_trusts(
    secured: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = ask(secured)
    assert isinstance(outcome, Failure)
    assert "the server's certificate is not trusted" in outcome.message
    assert "environment variable SSL_CERT_FILE" in outcome.message
    assert (outcome.fatal, outcome.retryable) == (True, False)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    assert isinstance(ask(secured), Answer)


def test_certificates_that_are_not_there(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(ModelError, match="that SSL_CERT_FILE names cannot be read: No such file"):
        ask(server.url)


def test_a_server_that_speaks_no_tls(server: Server) -> None:
    outcome = ask(server.url.replace("http://", "https://"))
    assert isinstance(outcome, Failure)
    assert "the server does not speak TLS; is its address one of http:// ?" in outcome.message
    assert outcome.fatal


@pytest.mark.parametrize("variable", ["OPENAI_ORG_ID", "OPENAI_PROJECT_ID"])
def test_a_header_that_cannot_be_sent(
    variable: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "org-\u00e9")
    with pytest.raises(ModelError, match=f"{variable} holds the character U.00E9 in place 5 of 5"):
        ask(server.url)


@pytest.mark.parametrize("model", ["a\udcffb", "a\nb"])
def test_a_name_that_is_none(model: str) -> None:
    with pytest.raises(UsageError, match="expected a name of letters"):
        ask(NOWHERE, model)


def test_the_client_leaves_it_to_the_runner_how_long_a_reply_may_take() -> None:
    async def main() -> object:
        client = open_client("arm", NOWHERE, "key")
        await client.close()
        return client.timeout

    assert asyncio.run(main()) == Timeout(None, connect=CONNECT_SECONDS)
