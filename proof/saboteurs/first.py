"""Switches of connection, cookies, roles, purchases, cards and newsletters."""

from proof.saboteurs.badmails import BUYER, SERVICE_MAIL, issues, mail_of, with_image
from proof.saboteurs.switch import Switch, by_gateway, by_service

OUTSIDE, JOURNEY = "tests/outside/", "tests/journey/"
FORWARDED = "proxy_set_header X-Identity $identity;"
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

FIRST: tuple[Switch, ...] = (
    by_gateway(
        "offers_128_bits", "Ciphersuites TLS_AES_256", "Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256", SUITES,
    ),
    by_gateway("offers_old_suites", "ssl_ciphers ", "ssl_ciphers ECDHE-ECDSA-AES256-SHA384:AES128-SHA:", SUITES),
    by_gateway("takes_forms_in_clear", "return 403;", "return 200;", f"{CLEAR}test_a_form_in_clear_is_refused"),
    by_gateway(
        "shows_pages_in_clear", "return 301 ", "return 200 hello; #",
        f"{CLEAR}test_asked_in_clear_a_page_is_somewhere_else_and_sets_nothing",
    ),
    by_gateway(
        "answers_plain_http_at_the_encrypted_port", "error_page 400 414 494 495 496 497 501 =400",
        "error_page 497 =200 /_errors/404.html; error_page 400 414 494 495 496 501 =400",
        f"{CLEAR}test_plain_http_at_the_encrypted_port_says_nothing",
    ),
    by_gateway(
        "forgets_https_after_minutes", "max-age=63072000", "max-age=300",
        f"{CLEAR}test_every_answer_asks_for_https_for_two_years",
    ),
    by_gateway(
        "counts_visitors_elsewhere", "proxy_buffers 8 16k;",
        "proxy_buffers 8 16k; sub_filter '</body>' '<img src=\"http://pixel.example/1.gif\"></body>';",
        f"{CRAWLED}test_no_page_names_a_foreign_host", f"{CLEAR}test_no_page_names_an_address_in_clear",
    ),
    by_gateway(
        "sends_pages_unprotected", "proxy_hide_header X-Identity;",
        "proxy_hide_header X-Identity; proxy_hide_header Content-Security-Policy; proxy_hide_header Referrer-Policy;",
        f"{CLEAR}test_every_page_is_sent_with_its_protection",
    ),
    by_gateway(
        "lets_pages_load_anything", "proxy_hide_header X-Identity;",
        "proxy_hide_header X-Identity; proxy_hide_header Content-Security-Policy; "
        "add_header Content-Security-Policy 'default-src *' always;",
        f"{CRAWLED}test_no_page_may_load_anything_from_elsewhere",
    ),
    by_gateway(
        "sets_a_fourth_cookie", "add_header Set-Cookie $session_from_check always;",
        "add_header Set-Cookie $session_from_check always; add_header Set-Cookie 'visitor=1; Max-Age=999999' always;",
        f"{CRAWLED}test_a_visitor_gets_no_cookie_that_is_not_on_the_list",
        f"{COOKIES}test_every_cookie_of_a_full_crawl_is_on_the_list",
    ),
    by_gateway(
        "shows_metrics", "location = /favicon.ico {",
        "location = /metrics { proxy_pass http://orders; } location = /favicon.ico {",
        f"{STRANGERS}test_what_is_for_operators_is_not_found",
    ),
    by_gateway(
        "has_a_broken_page", "location = /favicon.ico {", "location = /cart { return 500; } location = /favicon.ico {",
        f"{CRAWLED}test_no_page_is_an_error_of_ours",
    ),
    by_gateway(
        "logs_whole_addresses", '"route":"$route"', '"route":"$request_uri"',
        f"{JOURNEY}test_bad_input.py::test_a_log_line_of_a_mailed_link_has_no_token",
    ),
    by_service(
        "auth", "session_outlives_the_browser",
        f"{COOKIES}test_a_renewed_session_does_not_become_persistent",
        f"{JOURNEY}test_identity.py::test_without_the_box_every_cookie_ends_with_the_browser",
    ),
    by_service("auth", "sessions_are_alike", f"{COOKIES}test_equal_accounts_get_unrelated_values_that_say_nothing"),
    by_service(
        "auth", "remembers_without_being_asked", f"{REMEMBER}test_unticked_there_is_no_persistent_cookie",
    ),
    by_service(
        "auth", "no_grace_for_requests_at_once",
        f"{REMEMBER}test_twenty_requests_at_once_with_one_cookie_all_work_and_raise_no_alarm",
    ),
    by_service(
        "auth", "copies_are_good_for_ever",
        f"{REMEMBER}test_a_copy_used_after_the_grace_ends_the_series_and_tells_the_owner",
    ),
    by_service(
        "auth", "remembered_is_as_good_as_logged_in",
        f"{REMEMBER}test_a_remembered_login_gives_the_password_again_first",
    ),
    by_service(
        "auth", "remember_cookies_are_alike", f"{REMEMBER}test_two_cookies_of_one_account_share_no_byte_pattern",
    ),
    by_service(
        "auth", "tells_who_is_a_customer",
        f"{GUESSING}test_every_answer_is_the_same_for_known_and_unknown_addresses",
    ),
    by_service("auth", "mails_without_end", f"{GUESSING}test_many_mails_to_a_victim_are_not_sent"),
    by_service("auth", "other_sites_may_send_forms", f"{STRANGERS}test_a_form_of_another_site_is_refused"),
    Switch(
        "any_identity_is_believed", (f"{STRANGERS}test_a_claimed_identity_is_worth_nothing",), service="orders",
        gateway={FORWARDED: "proxy_set_header X-Identity $http_x_identity;"},
    ),
    by_service("orders", "any_audience_is_good_enough", f"{OWN}test_an_identity_meant_for_another_service_is_refused"),
    by_service("orders", "everybody_sees_every_order", f"{OWN}test_nobody_reaches_anothers_object_by_its_id"),
    by_service("orders", "lists_hold_everybodys_orders", f"{OWN}test_lists_hold_only_the_askers_own"),
    by_service(
        "orders", "each_request_is_a_purchase",
        f"{ONCE}test_fifty_equal_requests_at_once_are_one_order_and_one_charge",
    ),
    by_service(
        "orders", "a_key_fits_any_body",
        f"{ONCE}test_another_body_under_the_same_key_is_refused_whatever_differs",
    ),
    by_service("orders", "a_key_is_everybodys", f"{ONCE}test_one_key_of_two_accounts_and_a_guest_are_three_purchases"),
    by_service(
        "orders", "logs_the_card",
        f"{CARD}test_a_number_in_every_encoding_and_place_is_nowhere_but_where_it_was_planted",
    ),
    by_service(
        "orders", "logs_the_buyer", f"{CANARIES}test_no_canary_is_readable_and_none_reaches_anybody_else",
    ),
    by_service(
        "orders", "tells_nobody_of_a_purchase",
        f"{LEFT}test_paid_items_and_purchase_records_are_equal_in_number",
    ),
    by_service("auth", "a_crash_leaves_its_memory", f"{CANARIES}test_no_service_tells_a_canary_of_itself"),
    by_service("mailer", "looking_unsubscribes", f"{LOOKED}test_whatever_looks_at_links_changes_nothing"),
    by_service("mailer", "unsubscribing_does_nothing", STOPS),
    by_service("mailer", "no_cap", STOPS),
    by_service("mailer", "whoever_asked_is_a_subscriber", ASKED),
    Switch(
        "writes_to_two_at_once", (f"{MAILS}test_each_mail_has_one_recipient_and_names_nobody_else",),
        mails=lambda: [([BUYER, "other@example.org"], mail_of(BUYER, SERVICE_MAIL, Cc="other@example.org"))],
    ),
    Switch(
        "sends_four_issues", (f"{MAILS}test_no_address_has_more_newsletters_in_a_month_than_the_cap",),
        mails=lambda: issues("c1", "c2", "c3", "c4"),
    ),
    Switch("sends_an_issue_twice", (f"{MAILS}test_no_address_has_an_issue_twice",), mails=lambda: issues("c1", "c1")),
    Switch(
        "leaves_out_the_link", (f"{MAILS}test_each_newsletter_has_its_link_at_the_foot_and_for_one_click",),
        mails=lambda: issues("c1"),
    ),
    Switch(
        "advertises_in_a_receipt", (f"{MAILS}test_other_mails_carry_no_advertising",),
        mails=lambda: [([BUYER], mail_of(BUYER, SERVICE_MAIL, List_Unsubscribe="<https://shop.example/x>"))],
    ),
    Switch(
        "counts_readers", (f"{MAILS}test_no_mail_names_a_foreign_host_or_shows_an_image",), mails=with_image,
    ),
    Switch(
        "sends_another_receipt", (f"{MAILS}test_each_receipt_comes_once_or_twice_as_the_same_message",),
        mails=lambda: [([BUYER], mail_of(BUYER, SERVICE_MAIL, number)) for number in (1, 2)],
    ),
)  # fmt: skip
