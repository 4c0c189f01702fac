"""Files that are sent to us: bounded, few at a time, and a body that is none is refused, whatever it is."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.errors import DomainError, TransientError
from shared.http.intake import BodyTooSlow, UnsupportedMediaType
from shared.http.problems import status_of
from shared.http.routes import Upload
from shared.http.uploads import Intake

MOST = 1000
PARTS = "multipart/form-data; boundary=b"
NAMELESS = b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"
NESTED = b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n--c--\r\n--b--\r\n"
NO_TEXT = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--\r\n'
SCRAPS = [
    b"--b", b"--b--", b"\r\n", b"\n", b": ", b"a", b"\x00", b'Content-Disposition: form-data; name="a"; filename="x"',
    b"Content-Type: multipart/mixed; boundary=b", b"Content-Transfer-Encoding: base64", b"Content-Encoding: gzip",
]  # fmt: skip
UPLOAD = Upload(("image/png",), MOST, most_files=2)
Client = TestClient[web.Request, web.Application]


class Desk:
    """One route that says what came."""

    def __init__(self) -> None:
        self.intake = Intake(at_once=2, wait_s=0.2, upload_s=0.5)
        self.go = asyncio.Event()
        self.go.set()
        self.inside = 0

    async def take(self, request: web.Request) -> web.Response:
        try:
            async with self.intake.read(request, UPLOAD) as sent:
                self.inside += 1
                await asyncio.wait_for(self.go.wait(), 10)
                body = {"files": [file.decode("latin-1") for file in sent.files], "fields": sent.form.values}
                return web.json_response(body)
        except DomainError as error:
            return web.Response(status=status_of(error))
        except UnsupportedMediaType:
            return web.Response(status=415)
        except BodyTooSlow:
            return web.Response(status=408)
        except TransientError:
            return web.Response(status=503)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_post("/", desk.take)
    async with TestClient(TestServer(app)) as opened:
        yield opened


def a_form(*files: bytes, **fields: str) -> FormData:
    form = FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, value)
    for file in files:
        form.add_field("file", file, filename="a.png")
    return form


async def test_a_form_gives_its_files_and_its_fields(client: Client) -> None:
    response = await client.post("/", data=a_form(b"one", b"two", name="Ann", words="ä"))

    assert await response.json() == {"files": ["one", "two"], "fields": {"name": "Ann", "words": "ä"}}


async def test_a_whole_body_is_one_file_and_an_empty_field_is_none(client: Client) -> None:
    whole = await client.post("/", data=b"png", headers={"Content-Type": "image/png"})
    empty = await client.post("/", data=a_form(b"", name="Ann"))

    assert await whole.json() == {"files": ["png"], "fields": {}}
    assert await empty.json() == {"files": [], "fields": {"name": "Ann"}}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x" * (MOST + 1), "image/png", 413),
        (b"x" * MOST, "image/png", 200),
        (b"x", "image/svg+xml", 415),
        (b"--b\r\nnothing", PARTS, 400),
        (b"", PARTS, 400),
        (b"--b--\r\n", "multipart/form-data", 400),
        (NO_TEXT, PARTS, 400),
        (NAMELESS, PARTS, 400),
        (NESTED, PARTS, 400),
    ],
)
async def test_bounds_and_bodies_that_are_none(client: Client, body: bytes, kind: str, status: int) -> None:
    response = await client.post("/", data=body, headers={"Content-Type": kind})

    assert response.status == status


async def test_a_form_has_so_much_and_a_field_is_there_once(client: Client) -> None:
    large = await client.post("/", data=a_form(b"x" * (MOST + 1)))
    many = await client.post("/", data=a_form(b"1", b"2", b"3"))
    text = await client.post("/", data=a_form(words="x" * 70_000))
    twice = FormData(default_to_multipart=True)
    twice.add_field("name", "a")
    twice.add_field("name", "b")

    assert [large.status, many.status, text.status] == [413, 413, 413]
    assert (await client.post("/", data=twice)).status == 422


async def test_a_body_in_pieces_without_a_length_is_bounded_too(client: Client) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 100

    response = await client.post("/", data=pieces(), headers={"Content-Type": "image/png"})

    assert response.status == 413


async def test_a_body_that_does_not_arrive_ends_by_the_clock_and_frees_its_place(client: Client) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(30)

    for _ in range(3):
        response = await asyncio.wait_for(
            client.post("/", data=slow(), headers={"Content-Type": "image/png"}), timeout=10
        )
        assert response.status == 408


async def test_only_so_many_are_taken_at_once_and_the_others_are_told_so(client: Client, desk: Desk) -> None:
    desk.go.clear()
    first = [asyncio.create_task(client.post("/", data=a_form(b"x"))) for _ in range(2)]
    async with asyncio.timeout(10):
        while desk.inside < 2:
            await asyncio.sleep(0.01)

    third = await client.post("/", data=a_form(b"x"))
    desk.go.set()
    done = await asyncio.gather(*first)
    later = await client.post("/", data=a_form(b"x"))

    assert third.status == 503
    assert [each.status for each in done] == [200, 200]
    assert later.status == 200


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(SCRAPS), max_size=12).map(b"".join)))
@example(b'--b\r\nContent-Disposition: "\r\n\r\nv\r\n--b--\r\n')
@example(b'--b\r\nContent-Disposition: form-data; name="a"; filename*=nonsense\r\n\r\nv\r\n--b--\r\n')
async def test_whatever_is_sent_is_read_or_refused(client: Client, body: bytes) -> None:
    response = await client.post("/", data=body, headers={"Content-Type": PARTS})

    assert response.status in (200, 400, 408, 413, 422)
