"""An account's personal values: where each is sealed, how an address is looked up, and opening them for a purpose."""

from dataclasses import dataclass

from services.auth.accounts.domain import Account
from shared.addresses import normalise_email
from shared.personal import BlindIndex, PersonKey, Place


@dataclass(frozen=True, slots=True)
class Contact:
    """Name and address in clear. Lives as long as the answer or mail that it goes into."""

    name: str
    email: str

    def __repr__(self) -> str:
        return "Contact(hidden)"


def place(field: str, account_id: str) -> Place:
    """Where a value of an account belongs; it opens nowhere else."""
    return Place("accounts", field, account_id)


def email_key(index: BlindIndex, email: str) -> str:
    """The blind index of an address, whatever its spelling."""
    return index.of("email", normalise_email(email))


def open_former(person: PersonKey, account: Account, *, purpose: str) -> tuple[str, ...]:
    """The addresses that were proven for the account before, oldest first; each is sealed as it was then."""
    where = place("email", account.id)
    return tuple(dict.fromkeys(person.open(each, where, purpose=purpose).decode() for each in account.former_emails))


def open_contact(person: PersonKey, account: Account, *, purpose: str) -> Contact:
    """Name and address; the decryptions are counted under `purpose`."""
    return Contact(
        name=person.open(account.name, place("name", account.id), purpose=purpose).decode(),
        email=person.open(account.email, place("email", account.id), purpose=purpose).decode(),
    )
