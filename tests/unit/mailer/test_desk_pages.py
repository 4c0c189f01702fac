"""The marketing desk, without a script: list, compose, preview, forecast, report, calendar; in three languages."""

import html
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.mailer.campaigns.domain import CampaignState
from services.mailer.pages import words
from services.mailer.pages.words import LANGUAGES, words_of
from services.mailer.subscriptions.domain import TOPICS
from services.mailer.testing.harness import open_shop
from shared.testing.identity import an_identity

DESK = "/desk/newsletter"
HTML = {"Accept": "text/html"}


@pytest.fixture
async def shop():
    async with open_shop(approval_above=1) as opened:
        yield opened


def staff(shop, who="staff-1", role="marketing", **more):
    return HTML | shop.auth.headers(an_identity(who, role)) | more


def typed(**changes):
    return {
        "topic": "offers",
        "content.en.subject": "News <b>",
        "content.en.markdown": "Hello {{ name }}, *look*",
        "content.ja.subject": "",
        "content.ja.markdown": "",
        "content.de.subject": "",
        "content.de.markdown": "",
        "send_at": "2026-11-24T10:00",
        "not_after": "",
    } | changes


async def page(client, path, headers, status=200):
    response = await client.get(path, headers=headers)
    assert response.status == status, await response.text()
    return await response.text()


async def send(client, path, form, headers):
    """The status of a form, and where it leads or what it shows."""
    response = await client.post(path, data=form, headers=headers, allow_redirects=False)
    return response.status, response.headers.get("Location", "") or await response.text()


async def planned(shop, client, **changes):
    status, location = await send(client, f"{DESK}/new", typed(**changes), staff(shop))
    assert status == 303, location
    return location.partition("?")[0]


def version_in(text):
    return re.search(r'name="version" value="([^"]+)"', text)[1].replace("&#34;", '"')


async def test_a_newsletter_is_written_listed_and_shown(shop, client):
    path = await planned(shop, client)

    shown = await page(client, f"{path}?done=planned", staff(shop))
    listed = await page(client, DESK, staff(shop))

    assert "Planned." in shown
    assert f'<a href="{path}">News &lt;b&gt;</a>' in listed
    [campaign] = shop.campaigns.stored.values()
    assert campaign.send_at == datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    assert (campaign.created_by, dict(campaign.content).keys()) == ("staff-1", {"en"})


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"content.en.markdown": "{{ nam }}"}, "content.en.markdown", "The only variable is name"),
        ({"content.en.subject": "x {{ name }}"}, "content.en.subject", "no variables"),
        ({"content.en.subject": "", "content.en.markdown": ""}, "content", "At least one language|This is needed"),
        ({"send_at": "tomorrow"}, "send_at", "a day and a time"),
        ({"send_at": "2026-02-30T10:00"}, "send_at", "no such time"),
        ({"send_at": "2020-02-03T10:00"}, "send_at", "too early"),
        ({"topic": "politics"}, "topic", "choose one"),
    ],
)
async def test_what_could_fail_later_is_told_beside_its_field(shop, client, change, field, told):
    status, text = await send(client, f"{DESK}/new", typed(**change), staff(shop))

    assert status == 422
    assert f'href="#f-{field.replace(".", "-")}"' in text
    assert f'id="f-{field.replace(".", "-")}"' in text
    assert re.search(told, text)
    assert "Hello {{ name }}, *look*" in text or "content.en.markdown" in change
    assert shop.campaigns.stored == {}


async def test_what_was_written_is_changed_until_somebody_else_has_changed_it(shop, client):
    path = await planned(shop, client)
    form = await page(client, f"{path}/edit", staff(shop))

    first = await send(
        client, f"{path}/edit", typed(version=version_in(form), **{"content.en.subject": "Other"}), staff(shop)
    )
    late = await send(client, f"{path}/edit", typed(version=version_in(form)), staff(shop, "staff-2"))

    assert 'value="2026-11-24T10:00"' in form
    assert "Hello {{ name }}, *look*" in form
    assert first == (303, f"{path}?done=edited")
    assert late[0] == 412
    assert "Somebody else has changed" in late[1]
    [campaign] = shop.campaigns.stored.values()
    assert campaign.content["en"].subject == "Other"


async def test_the_preview_shows_both_forms_and_runs_nothing(shop, client):
    path = await planned(shop, client, **{"content.en.markdown": "Hi {{ name }} <script>x</script> *look*"})

    text = await page(client, f"{path}/preview?language=en", staff(shop))

    assert "<em>look</em>" in text
    assert "Hi Ann Example" in text
    assert "<script" not in text
    assert re.search(r"<pre[^>]*>[^<]*/newsletter/unsubscribe\?t=", text)


async def test_a_second_person_approves_on_the_page_what_they_have_seen(shop, client):
    for name in ("ann", "ben"):
        await shop.subscriber(f"{name}@example.org")
    path = await planned(shop, client)
    shown = await page(client, path, staff(shop))

    own = await send(client, f"{path}/approve", {"version": version_in(shown)}, staff(shop))
    await send(client, f"{path}/edit", typed(**{"content.en.subject": "Other"}), staff(shop))
    late = await send(client, f"{path}/approve", {"version": version_in(shown)}, staff(shop, "staff-2"))
    again = await page(client, path, staff(shop, "staff-2"))
    done = await send(client, f"{path}/approve", {"version": version_in(again)}, staff(shop, "staff-2"))

    assert "waits for the approval of a second person" in shown
    assert own[0] == 409
    assert "takes a second person" in own[1]
    assert late[0] == 412
    assert done == (303, f"{path}?done=approve")
    assert "waits for the approval" not in await page(client, path, staff(shop))


async def test_it_is_paused_gone_on_with_and_cancelled_by_buttons(shop, client):
    path = await planned(shop, client)
    key = path.rpartition("/")[2]
    states = []
    for step in ("pause", "resume", "cancel"):
        assert f'action="{path}/{step}"' in await page(client, path, staff(shop))
        assert await send(client, f"{path}/{step}", {}, staff(shop)) == (303, f"{path}?done={step}")
        states.append(shop.campaigns.stored[key].state)

    assert states == [CampaignState.PAUSED, CampaignState.SCHEDULED, CampaignState.CANCELLED]
    assert "/cancel" not in await page(client, path, staff(shop))


async def test_a_test_goes_to_the_shop_alone(shop, client):
    path = await planned(shop, client)

    sent = await send(client, f"{path}/test", {"to": "me@shop.example", "language": "en"}, staff(shop))
    refused = await send(client, f"{path}/test", {"to": "ann@example.org", "language": "en"}, staff(shop))

    assert sent == (303, f"{path}?done=test")
    assert refused[0] == 422
    assert "addresses of the shop only" in refused[1]
    assert dict(shop.sink.accepted) == {"me@shop.example": 1}


async def test_the_forecast_page_tells_why_and_warns_at_the_edge(shop, client):
    await shop.subscriber("ann@example.org")
    for number in range(3):
        await shop.campaign(f"c-{number}")
    await shop.send()
    await shop.subscriber("ben@example.org")
    shop.clock.at = datetime(2026, 11, 30, 12, tzinfo=UTC)
    path = await planned(shop, client, send_at="2026-11-30T21:00")

    text = await page(client, f"{path}/forecast", staff(shop))

    counts = dict(re.findall(r'<th scope="row">([^<]+)</th><td class="number">(\d+)</td>', html.unescape(text)))
    assert (counts["would get it now"], counts["have had their month's newsletters"]) == ("1", "1")
    assert (counts["2026-11"], counts["2026-12"]) == ("3", "3")
    assert "Near the edge of a month" in text


async def test_the_report_page_has_a_chart_and_the_same_numbers_in_a_table(shop, client):
    await shop.subscriber("ann@example.org")
    await shop.campaign("c-1")
    await shop.send()

    text = await page(client, f"{DESK}/c-1/report", staff(shop))

    assert re.search(r'<svg role="img" aria-label="[^"]+"', text)
    assert '<rect x="0" y="1" width="100" height="4"' in text
    assert re.search(r'<time datetime="2026-[^"]+">[^<]+</time></th><td class="number">1</td>', text)
    assert "style=" not in text


async def test_the_calendar_has_the_month_with_its_cap_and_its_edges(shop, client):
    path = await planned(shop, client)

    november = await page(client, f"{DESK}/calendar?month=2026-11", staff(shop))
    february = await page(client, f"{DESK}/calendar?month=2027-02", staff(shop))

    day = re.search(r'<td><time datetime="2026-11-24">.*?</td>', november, re.DOTALL)
    assert day
    assert path in day[0]
    assert "edge" not in day[0]
    assert re.search(r'<time datetime="2026-11-30">30</time> <small>edge</small>', november)
    assert "may hold 3 for each reader" in november
    assert "may hold 1 for each reader" in february
    assert path not in february
    assert "month=2026-12" in november
    assert "month=2027-01" in february


@pytest.mark.parametrize("month", ["2026-13", "1999-01", "soon"])
async def test_a_month_that_there_is_not_is_refused(shop, client, month):
    assert "That did not work" in await page(client, f"{DESK}/calendar?month={month}", staff(shop), status=422)


@pytest.mark.parametrize("role", ["customer", "support", "officer", "fraud"])
@pytest.mark.parametrize("path", ["", "/new", "/calendar", "/c-1", "/c-1/edit", "/c-1/preview", "/c-1/report"])
async def test_the_desk_is_for_marketing(shop, client, role, path):
    await shop.campaign("c-1")

    text = await page(client, DESK + path, staff(shop, role=role), status=403)

    assert "issue c-1" not in text


async def test_somebody_logged_out_comes_back_after_the_login(shop, client):
    response = await client.get(f"{DESK}/calendar", headers=HTML, allow_redirects=False)

    assert (response.status, response.headers["Location"]) == (303, "/login?next=/desk/newsletter/calendar")


@pytest.mark.parametrize("step", ["approve", "pause", "cancel", "test"])
async def test_a_foreign_page_takes_no_step(shop, client, step):
    await shop.campaign("c-1")

    status, _ = await send(client, f"{DESK}/c-1/{step}", {}, staff(shop) | {"Sec-Fetch-Site": "cross-site"})

    assert status == 403
    assert shop.campaigns.stored["c-1"].state is CampaignState.SCHEDULED


@pytest.mark.parametrize("path", ["", "/edit", "/preview", "/forecast", "/report"])
async def test_an_unknown_newsletter_is_told_so(shop, client, path):
    assert "There is no such newsletter." in await page(client, f"{DESK}/c-9{path}", staff(shop), status=404)


async def test_no_page_names_anybody(shop, client):
    await shop.subscriber("ann@example.org", name="Annabel")
    await shop.campaign("c-1")
    await shop.send()
    shop.later(hours=1)

    for path in ("", "/c-1", "/c-1/preview", "/c-1/forecast", "/c-1/report", "/calendar"):
        text = await page(client, DESK + path, staff(shop))
        assert "example.org" not in text
        assert "Annabel" not in text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_is_whole_in_every_language(shop, client, language):
    await shop.subscriber("ann@example.org")
    await shop.campaign("c-1")
    await shop.send()
    await shop.campaign("c-2", send_at=shop.clock() + timedelta(days=1))
    said = words_of(language)
    titles = {
        "": said["list"]["title"],
        "/new": said["compose"]["title"],
        "/c-2": said["campaign"]["next"],
        "/c-2/edit": said["compose"]["edit_title"],
        "/c-2/preview": said["preview"]["title"],
        "/c-2/forecast": said["forecast"]["title"],
        "/c-1/report": said["report"]["title"],
        "/calendar": said["calendar"]["before"],
    }

    for path, title in titles.items():
        text = await page(client, DESK + path, staff(shop, **{"Accept-Language": language}))
        assert title in text, path
        assert not re.search(r"[{}]", text.replace("{{ name }}", "")), path
        assert f'<html lang="{language}">' in text
        assert not re.search(r"<script|style=|https?://(?!shop\.example)", text), path


def test_the_languages_have_the_same_words_and_all_codes_have_one():
    folder = Path(words.__file__ or "").parent
    known = {name: _keys((folder / f"{name}.toml").read_text("utf-8")) for name in LANGUAGES}

    assert known["en"] == known["de"] == known["ja"]
    assert {key for section, key in known["en"] if section == "states"} == {each.value for each in CampaignState}
    assert {key for section, key in known["en"] if section == "topics"} == set(TOPICS)


def _keys(text):
    return {(section, key) for section, row in tomllib.loads(text).items() for key in row}
