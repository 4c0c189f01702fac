"""Each switch, and the checks that must fail while it is on."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from proof.saboteurs.deadletter import a_dead_letter

OUTSIDE, JOURNEY = "tests/outside/", "tests/journey/"
FORWARDED = "proxy_set_header X-Identity $identity;"
BUYER = "saboteur@example.org"
NOTHING = "nothing"
"""The name of a switch that breaks nothing."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One rule to break. `service` runs with the patch `name`; `gateway` replaces text of its configuration; `mails`
    are delivered as a broken mailer would; what `around` does to the stack (given stack.json) it undoes.
    """

    name: str
    checks: tuple[str, ...]
    service: str = ""
    gateway: Mapping[str, str] = field(default_factory=dict)
    mails: Callable[[], list[tuple[list[str], EmailMessage]]] | None = None
    around: Callable[[Mapping[str, Any]], AbstractContextManager[None]] | None = None

    @property
    def is_broken(self) -> bool:
        """Whether there is anything to see; what is sought in vain need not be sought for long."""
        return self.name != NOTHING


def _gateway(name: str, old: str, new: str, *checks: str) -> Switch:
    return Switch(name, checks, gateway={old: new})


def _service(service: str, name: str, *checks: str) -> Switch:
    return Switch(name, checks, service=service)


def _mail(to: str, feedback: str, number: int = 1, **headers: str) -> EmailMessage:
    from email.utils import formatdate

    message = EmailMessage()
    message["From"], message["To"], message["Date"] = "Shop <news@example.com>", to, formatdate()
    message["Message-ID"], message["Feedback-ID"] = f"<saboteur-{number}@example.com>", feedback
    message["Subject"], message["Auto-Submitted"] = "Your order", "auto-generated"
    for name, text in headers.items():
        message[name.replace("_", "-")] = text
    message.set_content("Dear reader")
    message.add_alternative("<p>Dear reader</p>", subtype="html")
    return message


def _issues(*campaigns: str) -> list[tuple[list[str], EmailMessage]]:
    return [
        ([BUYER], _mail(BUYER, f"{campaign}:offers:newsletter:example.com", number))
        for number, campaign in enumerate(campaigns)
    ]


def _with_image() -> list[tuple[list[str], EmailMessage]]:
    message = _mail(BUYER, ":receipt:service:example.com")
    message.get_body(("html",)).set_content('<img src="https://pixel.example/1.gif">', subtype="html")  # type: ignore[union-attr]
    return [([BUYER], message)]


SERVICE_MAIL = ":receipt:service:example.com"
MAILS = f"{JOURNEY}test_p06_mails.py::"
SUITES = f"{OUTSIDE}test_p01_connection.py::test_no_suite_below_256_bits_and_no_old_protocol_is_taken"
CRAWLED, CLEAR, STRANGERS = (
    f"{OUTSIDE}{name}.py::" for name in ("test_p03_crawl", "test_p02_clear", "test_p20_strangers")
)
COOKIES, REMEMBER, ONCE, OWN = (
    f"{JOURNEY}{name}.py::"
    for name in ("test_p03_cookies", "test_p04_remember", "test_p13_once", "test_p20_only_their_own")
)
GUESSING, CARD, CANARIES, LEFT = (
    f"{JOURNEY}{name}.py::"
    for name in ("test_p19_guessing", "test_p11_card", "test_p17_canaries", "test_p21_left_over")
)
LETTERS, LOOKED = f"{JOURNEY}test_newsletter.py::", f"{JOURNEY}test_p09_scanners.py::"
STOPS, ASKED = (
    f"{LETTERS}{name}"
    for name in (
        "test_newsletters_stop_at_the_cap_and_at_the_unsubscribe",
        "test_who_never_confirmed_gets_nothing_but_the_question",
    )
)

CLAIMED, PHOTOS, HANDED_ON, OWN_DATA = (
    f"{JOURNEY}{name}.py::" for name in ("test_claims", "test_photos", "test_transfers", "test_my_data")
)

SWITCHES: tuple[Switch, ...] = (
    _gateway("offers_128_bits", "Ciphersuites TLS_AES_256", "Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256", SUITES),
    _gateway("offers_old_suites", "ssl_ciphers ", "ssl_ciphers ECDHE-ECDSA-AES256-SHA384:AES128-SHA:", SUITES),
    _gateway("takes_forms_in_clear", "return 403;", "return 200;", f"{CLEAR}test_a_form_in_clear_is_refused"),
    _gateway(
        "shows_pages_in_clear", "return 301 ", "return 200 hello; #",
        f"{CLEAR}test_asked_in_clear_a_page_is_somewhere_else_and_sets_nothing",
    ),
    _gateway(
        "answers_plain_http_at_the_encrypted_port", "error_page 400 414 494 495 496 497 501 =400",
        "error_page 497 =200 /_errors/404.html; error_page 400 414 494 495 496 501 =400",
        f"{CLEAR}test_plain_http_at_the_encrypted_port_says_nothing",
    ),
    _gateway(
        "forgets_https_after_minutes", "max-age=63072000", "max-age=300",
        f"{CLEAR}test_every_answer_asks_for_https_for_two_years",
    ),
    _gateway(
        "counts_visitors_elsewhere", "proxy_buffers 8 16k;",
        "proxy_buffers 8 16k; sub_filter '</body>' '<img src=\"http://pixel.example/1.gif\"></body>';",
        f"{CRAWLED}test_no_page_names_a_foreign_host", f"{CLEAR}test_no_page_names_an_address_in_clear",
    ),
    _gateway(
        "sends_pages_unprotected", "proxy_hide_header X-Identity;",
        "proxy_hide_header X-Identity; proxy_hide_header Content-Security-Policy; proxy_hide_header Referrer-Policy;",
        f"{CLEAR}test_every_page_is_sent_with_its_protection",
    ),
    _gateway(
        "lets_pages_load_anything", "proxy_hide_header X-Identity;",
        "proxy_hide_header X-Identity; proxy_hide_header Content-Security-Policy; "
        "add_header Content-Security-Policy 'default-src *' always;",
        f"{CRAWLED}test_no_page_may_load_anything_from_elsewhere",
    ),
    _gateway(
        "sets_a_fourth_cookie", "add_header Set-Cookie $session_from_check always;",
        "add_header Set-Cookie $session_from_check always; add_header Set-Cookie 'visitor=1; Max-Age=999999' always;",
        f"{CRAWLED}test_a_visitor_gets_no_cookie_that_is_not_on_the_list",
        f"{COOKIES}test_every_cookie_of_a_full_crawl_is_on_the_list",
    ),
    _gateway(
        "shows_metrics", "location = /favicon.ico {",
        "location = /metrics { proxy_pass http://orders; } location = /favicon.ico {",
        f"{STRANGERS}test_what_is_for_operators_is_not_found",
    ),
    _gateway(
        "has_a_broken_page", "location = /favicon.ico {", "location = /cart { return 500; } location = /favicon.ico {",
        f"{CRAWLED}test_no_page_is_an_error_of_ours",
    ),
    _gateway(
        "logs_whole_addresses", '"route":"$route"', '"route":"$request_uri"',
        f"{JOURNEY}test_bad_input.py::test_a_log_line_of_a_mailed_link_has_no_token",
    ),
    _service(
        "auth", "session_outlives_the_browser",
        f"{COOKIES}test_a_renewed_session_does_not_become_persistent",
        f"{JOURNEY}test_identity.py::test_without_the_box_every_cookie_ends_with_the_browser",
    ),
    _service("auth", "sessions_are_alike", f"{COOKIES}test_equal_accounts_get_unrelated_values_that_say_nothing"),
    _service(
        "auth", "remembers_without_being_asked", f"{REMEMBER}test_unticked_there_is_no_persistent_cookie",
    ),
    _service(
        "auth", "no_grace_for_requests_at_once",
        f"{REMEMBER}test_twenty_requests_at_once_with_one_cookie_all_work_and_raise_no_alarm",
    ),
    _service(
        "auth", "copies_are_good_for_ever",
        f"{REMEMBER}test_a_copy_used_after_the_grace_ends_the_series_and_tells_the_owner",
    ),
    _service(
        "auth", "remembered_is_as_good_as_logged_in",
        f"{REMEMBER}test_a_remembered_login_gives_the_password_again_first",
    ),
    _service(
        "auth", "remember_cookies_are_alike", f"{REMEMBER}test_two_cookies_of_one_account_share_no_byte_pattern",
    ),
    _service(
        "auth", "tells_who_is_a_customer",
        f"{GUESSING}test_every_answer_is_the_same_for_known_and_unknown_addresses",
    ),
    _service("auth", "mails_without_end", f"{GUESSING}test_many_mails_to_a_victim_are_not_sent"),
    _service("auth", "other_sites_may_send_forms", f"{STRANGERS}test_a_form_of_another_site_is_refused"),
    Switch(
        "any_identity_is_believed", (f"{STRANGERS}test_a_claimed_identity_is_worth_nothing",), service="orders",
        gateway={FORWARDED: "proxy_set_header X-Identity $http_x_identity;"},
    ),
    _service("orders", "any_audience_is_good_enough", f"{OWN}test_an_identity_meant_for_another_service_is_refused"),
    _service("orders", "everybody_sees_every_order", f"{OWN}test_nobody_reaches_anothers_object_by_its_id"),
    _service("orders", "lists_hold_everybodys_orders", f"{OWN}test_lists_hold_only_the_askers_own"),
    _service(
        "orders", "each_request_is_a_purchase",
        f"{ONCE}test_fifty_equal_requests_at_once_are_one_order_and_one_charge",
    ),
    _service(
        "orders", "a_key_fits_any_body",
        f"{ONCE}test_another_body_under_the_same_key_is_refused_whatever_differs",
    ),
    _service("orders", "a_key_is_everybodys", f"{ONCE}test_one_key_of_two_accounts_and_a_guest_are_three_purchases"),
    _service(
        "orders", "logs_the_card",
        f"{CARD}test_a_number_in_every_encoding_and_place_is_nowhere_but_where_it_was_planted",
    ),
    _service(
        "orders", "logs_the_buyer", f"{CANARIES}test_no_canary_is_readable_and_none_reaches_anybody_else",
    ),
    _service(
        "orders", "tells_nobody_of_a_purchase",
        f"{LEFT}test_paid_items_and_purchase_records_are_equal_in_number",
    ),
    _service("auth", "a_crash_leaves_its_memory", f"{CANARIES}test_no_service_tells_a_canary_of_itself"),
    _service("mailer", "looking_unsubscribes", f"{LOOKED}test_whatever_looks_at_links_changes_nothing"),
    _service("mailer", "unsubscribing_does_nothing", STOPS),
    _service("mailer", "no_cap", STOPS),
    _service("mailer", "whoever_asked_is_a_subscriber", ASKED),
    Switch(
        "writes_to_two_at_once", (f"{MAILS}test_each_mail_has_one_recipient_and_names_nobody_else",),
        mails=lambda: [([BUYER, "other@example.org"], _mail(BUYER, SERVICE_MAIL, Cc="other@example.org"))],
    ),
    Switch(
        "sends_four_issues", (f"{MAILS}test_no_address_has_more_newsletters_in_a_month_than_the_cap",),
        mails=lambda: _issues("c1", "c2", "c3", "c4"),
    ),
    Switch("sends_an_issue_twice", (f"{MAILS}test_no_address_has_an_issue_twice",), mails=lambda: _issues("c1", "c1")),
    Switch(
        "leaves_out_the_link", (f"{MAILS}test_each_newsletter_has_its_link_at_the_foot_and_for_one_click",),
        mails=lambda: _issues("c1"),
    ),
    Switch(
        "advertises_in_a_receipt", (f"{MAILS}test_other_mails_carry_no_advertising",),
        mails=lambda: [([BUYER], _mail(BUYER, SERVICE_MAIL, List_Unsubscribe="<https://shop.example/x>"))],
    ),
    Switch(
        "counts_readers", (f"{MAILS}test_no_mail_names_a_foreign_host_or_shows_an_image",), mails=_with_image,
    ),
    Switch(
        "sends_another_receipt", (f"{MAILS}test_each_receipt_comes_once_or_twice_as_the_same_message",),
        mails=lambda: [([BUYER], _mail(BUYER, SERVICE_MAIL, number)) for number in (1, 2)],
    ),
    _gateway(
        "listens_elsewhere", "ssl default_server;", "ssl default_server; listen 127.0.0.2:39281 ssl;",
        f"{JOURNEY}test_p01_listeners.py::"
        "test_every_listener_is_on_this_machine_alone_and_the_gateways_is_encrypted",
    ),
    Switch(
        "shows_anothers_certificate", (f"{OUTSIDE}test_p01_connection.py::test_the_certificate_holds_for_the_name",),
        gateway={"/tls/server.pem": "/tls/ca.pem", "/tls/server.key": "/tls/ca.key"},
    ),
    _service("auth", "any_code_is_a_preference", f"{COOKIES}test_only_codes_of_the_closed_list_are_preferences"),
    _service(
        "auth", "altered_cookies_are_good_enough",
        f"{REMEMBER}test_flipped_bits_another_series_and_nonsense_open_nothing",
    ),
    _service(
        "mailer", "everybody_is_staff", f"{JOURNEY}test_identity.py::test_each_staff_role_reaches_its_own_desk_only",
        f"{OWN}test_each_role_reaches_what_its_contract_says_and_nothing_else",
    ),
    _service("orders", "guests_are_let_in", f"{OWN}test_each_role_reaches_what_its_contract_says_and_nothing_else"),
    _service(
        "mailer", "stumbles_over_links",
        f"{STRANGERS}test_a_program_that_looks_at_links_is_answered_and_nothing_more",
    ),
    _service(
        "orders", "shows_staff_the_card",
        f"{JOURNEY}test_p12_no_digits.py::test_no_route_shows_staff_a_digit_of_a_card",
    ),
    _service("orders", "charges_what_nobody_ordered", f"{LEFT}test_the_providers_book_and_the_orders_agree"),
    _service(
        "warranty", "decides_as_often_as_asked",
        f"{CLAIMED}test_a_refund_goes_through_orders_and_closes_the_claim_once",
    ),
    _service(
        "warranty", "approves_and_asks_nobody",
        f"{CLAIMED}test_a_refund_goes_through_orders_and_closes_the_claim_once",
        f"{CLAIMED}test_a_replacement_is_shipped_and_takes_the_cover_over",
    ),
    _service("warranty", "days_in_repair_are_lost", f"{CLAIMED}test_a_repair_from_claim_to_return_with_its_mails"),
    _service(
        "warranty", "hands_on_the_former_owners_things",
        f"{HANDED_ON}test_a_watch_is_handed_on_and_its_new_owner_claims_a_repair",
    ),
    _service(
        "warranty", "keeps_photos_as_they_came",
        f"{PHOTOS}test_a_photo_goes_through_the_gateway_as_pixels_and_lies_sealed",
    ),
    _service(
        "auth", "leaves_the_others_out_of_the_copy", f"{OWN_DATA}test_a_copy_has_what_all_four_services_hold",
        f"{PHOTOS}test_ones_copy_has_the_photo_and_an_erasure_leaves_none",
    ),
    _service("auth", "anybody_fetches_a_copy", f"{OWN_DATA}test_another_account_cannot_fetch_it"),
    _service(
        "auth", "erases_only_here", f"{OWN_DATA}test_an_erasure_reaches_all_four_and_comes_back_with_a_receipt",
    ),
    _service(
        "auth", "counts_tries_wrongly",
        f"{GUESSING}test_of_two_thousand_guesses_from_two_hundred_networks_ten_are_tried",
    ),
    _service(
        "auth", "unknown_addresses_are_quicker", f"{GUESSING}test_a_known_address_takes_as_long_as_an_unknown_one",
    ),
    Switch("gives_a_message_up", (f"{LEFT}test_nothing_waits_and_nothing_was_given_up",), around=a_dead_letter),
)  # fmt: skip
