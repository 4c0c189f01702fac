"""New recovery codes in place of those from before."""

from services.auth.deps import Deps
from services.auth.factors.changes import owner_of, save_factors
from services.auth.factors.codes import hashes_of, new_codes
from services.auth.refusals import NoSecondFactor
from shared.identity import Identity


async def make_codes(deps: Deps, who: Identity) -> list[str]:
    """Ten, not shown again; those from before end.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
        NoSecondFactor: there is nothing that they would stand in for.
        AccountChanged: somebody else was quicker.
    """
    owner = await owner_of(deps, who)
    if not owner.account.factors.any:
        raise NoSecondFactor
    codes = new_codes()
    factors = owner.account.factors.with_recovery(hashes_of(codes))
    await save_factors(deps, owner, factors, "recovery-codes-made")
    return codes
