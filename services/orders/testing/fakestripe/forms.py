"""How Stripe's API is spoken to: `a[b][c]=1`, `expand[0]=x`, and errors of its form."""

from collections.abc import Iterable
from typing import Any


class ApiError(Exception):
    """An answer with an `error` object."""

    def __init__(self, status: int, kind: str, code: str = "", **more: Any) -> None:
        super().__init__(code or kind)
        self.status = status
        self.body = {"error": {"type": kind, "message": "The fake says no."} | ({"code": code} if code else {}) | more}


def invalid(code: str, **more: Any) -> ApiError:
    """A request that cannot be done, as it is or as things stand."""
    return ApiError(400, "invalid_request_error", code, **more)


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """[("a[b]", "1"), ("expand[0]", "x")] -> {"a": {"b": "1"}, "expand": {"0": "x"}}."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        branch = tree
        first, *rest = name.replace("]", "").split("[")
        parts = [first, *rest]
        for part in parts[:-1]:
            branch = branch.setdefault(part, {})
        branch[parts[-1]] = value
    return tree
