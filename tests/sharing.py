"""Which tests of the stack one worker does one after another: those of a file, and of files that mind each other."""

from xdist.scheduler import LoadFileScheduling

NEWSLETTERS = "newsletters"
GROUPS = {
    "tests/browser/test_newsletter.py": NEWSLETTERS,  # whoever sends, sends every issue that is due
    "tests/journey/test_marketing_desk.py": NEWSLETTERS,
    "tests/journey/test_my_data.py": NEWSLETTERS,
    "tests/journey/test_newsletter.py": NEWSLETTERS,
    "tests/journey/test_p09_scanners.py": NEWSLETTERS,
}
LAST = "tests/journey/test_p04_remember.py::test_a_copy_used_after_the_grace_ends_the_series_and_tells_the_owner"
"""Waits for the end of a minute that begins with the first journey of its worker."""


def group_of(test: str) -> str:
    """Large groups are begun first, so that one of a single test comes last."""
    file = test.partition("::")[0]
    return test if test == LAST else GROUPS.get(file, file)


class Sharing(LoadFileScheduling):
    """What `--dist loadfile` does here."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
