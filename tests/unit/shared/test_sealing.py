import base64
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from shared.contracts.auth import MessageRequested, Recipient
from shared.errors import DomainError
from shared.events import Event, Sealed, SealedBox, decode, encode
from shared.keys import FileKeys
from shared.sealing import CannotOpen, NoPublicKey, Sealer, Unsealer, write_public_key
from shared.testing.sealing import MemorySealing

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TYPE = "auth.message.requested.v1"
ADA = Recipient(name="Ada Lovelace", email="ada@example.com", link="https://shop.example/verify?t=secret")


class Other(BaseModel):
    sku: int


@pytest.fixture
def sealing() -> MemorySealing:
    return MemorySealing("mailer", "warranty")


def an_event(sealed: Sealed, id: str = "e-1") -> Event:
    message = MessageRequested(message_id=id, template="verify", requested_at=NOON, recipient=sealed)
    return Event.of(message, id=id, subject="a-1", at=NOON)


def sealed_for(sealing: MemorySealing, *readers: str, event_id: str = "e-1") -> Sealed:
    return sealing.sealer.seal_for(dict.fromkeys(readers, ADA), event_type=TYPE, event_id=event_id, field="recipient")


def opened(sealing: MemorySealing, sealed: Sealed, reader: str = "mailer", event: Event | None = None) -> Recipient:
    return sealing.unsealer(reader).open(Recipient, sealed, event=event or an_event(sealed), field="recipient")


def refusal(sealing: MemorySealing, sealed: Sealed, event: Event | None = None, field: str = "recipient") -> str:
    event = event or an_event(sealed)
    with pytest.raises(CannotOpen) as caught:
        sealing.unsealer("mailer").open(Recipient, sealed, event=event, field=field)
    assert "Ada" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.detail


def test_the_reader_opens_what_was_sealed(sealing: MemorySealing) -> None:
    sealed = sealed_for(sealing, "mailer", "warranty")

    assert opened(sealing, sealed, "mailer") == ADA
    assert opened(sealing, sealed, "warranty") == ADA


def test_it_survives_the_journey_and_shows_nothing_on_the_way(sealing: MemorySealing) -> None:
    body = encode(an_event(sealed_for(sealing, "mailer")))
    event = decode(body)

    assert opened(sealing, event.read(MessageRequested).recipient, event=event) == ADA
    raw = base64.urlsafe_b64decode(event.read(MessageRequested).recipient["mailer"].box + "==")
    assert not any(part in body + raw for part in (b"Ada", b"example.com", b"secret"))


def test_equal_values_give_unequal_boxes(sealing: MemorySealing) -> None:
    assert len({sealed_for(sealing, "mailer")["mailer"].box for _ in range(20)}) == 20


def test_a_box_names_its_key_and_is_url_safe_without_padding(sealing: MemorySealing) -> None:
    box = sealed_for(sealing, "mailer")["mailer"]

    assert box.kid == "mailer-1"
    assert set(box.box) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_box_for_another_reader_does_not_open(sealing: MemorySealing) -> None:
    sealed = sealed_for(sealing, "warranty")

    assert "not sealed for mailer" in refusal(sealing, sealed)
    assert "not of mailer" in refusal(sealing, {"mailer": sealed["warranty"]})
    assert "altered" in refusal(sealing, {"mailer": SealedBox(kid="mailer-1", box=sealed["warranty"].box)})


def test_a_box_moved_to_another_event_or_field_does_not_open(sealing: MemorySealing) -> None:
    sealed = sealed_for(sealing, "mailer")
    event = an_event(sealed)

    assert "moved" in refusal(sealing, sealed, event=an_event(sealed, id="e-2"))
    assert "moved" in refusal(sealing, sealed, event=replace(event, type="auth.message.requested.v2"))
    assert "moved" in refusal(sealing, sealed, field="buyer")


def test_a_box_altered_anywhere_does_not_open(sealing: MemorySealing) -> None:
    box = sealed_for(sealing, "mailer")["mailer"]
    raw = base64.urlsafe_b64decode(box.box + "=" * (-len(box.box) % 4))
    altered = [raw[:i] + bytes([raw[i] ^ 1]) + raw[i + 1 :] for i in range(len(raw))]
    altered += [raw[:size] for size in (0, 1, 31, 32, 47, len(raw) - 1)]
    altered += [raw + b"\0", bytes(32) + raw[32:]]

    for other in altered:
        text = base64.urlsafe_b64encode(other).rstrip(b"=").decode()
        assert "altered" in refusal(sealing, {"mailer": SealedBox(kid="mailer-1", box=text)})


@pytest.mark.parametrize("change", [lambda b: b + "=", lambda b: b + "A", lambda b: " " + b, lambda b: "é" + b,
                                    lambda b: b[:9] + "\n" + b[9:], lambda b: "+/" + b, lambda b: ""])  # fmt: skip
def test_a_box_spelt_otherwise_does_not_open(sealing: MemorySealing, change: "object") -> None:
    assert callable(change)
    box = sealed_for(sealing, "mailer")["mailer"].box

    assert "altered" in refusal(sealing, {"mailer": SealedBox(kid="mailer-1", box=change(box))})


@pytest.mark.parametrize(
    "kid",
    ["", "mailer", "mailer-", "mailer-0", "mailer-01", "mailer--1", "mailer-1 ", "mailer-١", "warranty-1", "mailer-2"],
)
def test_only_the_named_version_of_our_key_is_tried(sealing: MemorySealing, kid: str) -> None:
    box = sealed_for(sealing, "mailer")["mailer"].box

    assert refusal(sealing, {"mailer": SealedBox(kid=kid, box=box)}).startswith("recipient of auth.message")


def test_the_version_is_bound_even_where_both_hold_the_same_key(sealing: MemorySealing) -> None:
    keys = sealing.keys["mailer"]
    keys.put(replace(keys.get("seal", 1), version=2))
    sealed = sealed_for(sealing, "mailer")
    assert sealed["mailer"].kid == "mailer-2"

    assert "altered" in refusal(sealing, {"mailer": SealedBox(kid="mailer-1", box=sealed["mailer"].box)})


def test_a_box_that_holds_something_else_is_refused_unseen(sealing: MemorySealing) -> None:
    sealed = sealed_for(sealing, "mailer")

    with pytest.raises(DomainError, match="something else") as caught:
        sealing.unsealer("mailer").open(Other, sealed, event=an_event(sealed), field="recipient")
    assert "Ada" not in f"{caught.value} {caught.value.__cause__}"
    assert caught.value.__suppress_context__


def test_after_a_rotation_new_boxes_take_the_new_key_and_old_ones_open(sealing: MemorySealing) -> None:
    old = sealed_for(sealing, "mailer")
    sealing.rotate("mailer")
    new = sealed_for(sealing, "mailer")

    assert (old["mailer"].kid, new["mailer"].kid) == ("mailer-1", "mailer-2")
    assert opened(sealing, old) == opened(sealing, new) == ADA


def test_nothing_is_sealed_for_an_unknown_reader(sealing: MemorySealing) -> None:
    with pytest.raises(NoPublicKey):
        sealed_for(sealing, "orders")


def test_published_keys_seal_what_the_service_opens(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "mailer")
    keys.ensure(["seal"])
    assert write_public_key(keys, tmp_path / "public", "mailer") == [tmp_path / "public" / "mailer" / "1.pub"]

    sealed = Sealer(tmp_path / "public").seal_for({"mailer": ADA}, event_type=TYPE, event_id="e-1", field="recipient")

    opened = Unsealer("mailer", keys).open(Recipient, sealed, event=an_event(sealed), field="recipient")
    assert opened == ADA
