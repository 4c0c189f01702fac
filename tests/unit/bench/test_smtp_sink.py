from bench.smtp_sink import mails_of


def test_the_latest_counter_is_what_counts():
    assert mails_of(b"mesg=8\rsess=3 quit=0 mesg=9\rsess=3 quit=1 mesg=10\r") == 10


def test_before_the_first_mail_there_is_none():
    assert mails_of(b"") == 0
