import pytest

from shared.trace import bind_traceparent, continue_trace, current_traceparent, trace_id, unbind_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_received_trace_goes_on_with_a_span_of_our_own():
    ours = continue_trace(f"00-{TRACE}-00f067aa0ba902b7-01")

    assert ours.startswith(f"00-{TRACE}-")
    assert ours.endswith("-01")
    assert "00f067aa0ba902b7" not in ours


def test_a_later_version_may_carry_more():
    assert trace_id(continue_trace(f"01-{TRACE}-00f067aa0ba902b7-01-more")) == TRACE


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{TRACE}-00f067aa0ba902b7-01-more",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
        f"00-{TRACE}-00f067aa0ba902b7-01\n",
        "x" * 10_000,
        "00-55555555555544440000000000000000-5555555555554444-01",
    ],
)
def test_anything_else_starts_a_new_trace(bad):
    ours = continue_trace(bad)

    assert len(trace_id(ours)) == 32
    assert trace_id(ours) not in (TRACE, "0" * 32)


def test_the_current_trace_ends_with_the_work():
    token = bind_traceparent("00-a-b-01")
    assert current_traceparent() == "00-a-b-01"

    unbind_traceparent(token)

    assert current_traceparent() == ""
