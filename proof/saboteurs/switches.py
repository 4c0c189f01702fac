"""Each switch, and the checks that must fail while it is on."""

from proof.saboteurs.first import FIRST
from proof.saboteurs.second import SECOND

SWITCHES = (*FIRST, *SECOND)
