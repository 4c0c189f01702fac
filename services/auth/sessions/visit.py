"""The browser that asks, as auth's use cases see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Presented:
    """The cookies of ours that a browser has sent; empty where there was none."""

    session: str = ""
    remember: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """The browser that asks: a coarse label, its network ("" where unknown), and its cookies of ours."""

    device: str
    network: str = ""
    presented: Presented = Presented()
