"""What warranty announces."""

from typing import ClassVar

from shared.contracts import persons
from shared.events import Contract


class PersonExported(persons.PersonExported):
    """What warranty holds about a person."""

    TYPE: ClassVar[str] = "warranty.person.exported.v1"


class PersonErased(persons.PersonErased):
    """Warranty has unlinked a person."""

    TYPE: ClassVar[str] = "warranty.person.erased.v1"


class AccessRecorded(persons.AccessRecorded):
    """Somebody of the staff has seen personal data at warranty."""

    TYPE: ClassVar[str] = "warranty.access.recorded.v1"


CONTRACTS: tuple[type[Contract], ...] = (PersonExported, PersonErased, AccessRecorded)
