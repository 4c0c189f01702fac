import pytest

from services.mailer.campaigns.content import check_subject, render
from services.mailer.message.blueprint import NAME
from shared.errors import InvalidInput

HOSTS = ("shop.example",)


def rendered(markdown):
    return render(markdown, pointer="/content/en/markdown", hosts=HOSTS)


def fault(call):
    with pytest.raises(InvalidInput) as refusal:
        call()
    [field] = refusal.value.fields
    return field.pointer, field.code


def test_markdown_becomes_html_and_text():
    both = rendered(
        "# Snow\n\nHello {{ name }},\nsee *our* [new watch](https://shop.example/products/1?a=1&b=2).\n\n"
        "- one\n- two\n\n3. x\n4. y\n"
    )

    assert both.html == (
        f"<h1>Snow</h1>\n<p>Hello {NAME},\nsee <em>our</em> "
        '<a href="https://shop.example/products/1?a=1&amp;b=2">new watch</a>.</p>\n'
        "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n<ol start=\"3\">\n<li>x</li>\n<li>y</li>\n</ol>\n"
    )  # fmt: skip
    assert both.text == (
        f"Snow\n\nHello {NAME},\nsee our new watch <https://shop.example/products/1?a=1&b=2>.\n\n"
        "- one\n- two\n\n3. x\n4. y\n"
    )


def test_raw_html_comes_out_as_text():
    both = rendered("<script src='https://evil.example/x.js'></script> <b>x</b>")

    assert "<script" not in both.html
    assert "&lt;b&gt;" in both.html


def test_an_image_is_no_image():
    assert "<img" not in rendered("![x](https://shop.example/x.png)").html


@pytest.mark.parametrize(
    ("markdown", "code"),
    [
        ("Hi {{ nam }}", "unknown-variable"),
        ("Hi {{ name.upper() }}", "unknown-variable"),
        ("Hi {{}}", "unknown-variable"),
        ("Hi {{ name", "broken-variable"),
        ("Hi name }}", "broken-variable"),
        ("{% for x in y %}", "broken-variable"),
        ("[x](https://shop.example/{{ name }})", "variable-in-link"),
        ("[x](https://evil.example/)", "foreign-link"),
        ("[x](http://shop.example/)", "foreign-link"),
        ("[x](/relative)", "foreign-link"),
        ("[x](mailto:a@shop.example)", "foreign-link"),
        ("[x](https://shop.example@evil.example/)", "foreign-link"),
        ("<https://evil.example>", "foreign-link"),
        ("private \ue001 character", "control-characters"),
        ("control \x00 character", "control-characters"),
    ],
)
def test_what_must_not_be_sent_is_refused_and_named(markdown, code):
    assert fault(lambda: rendered(markdown)) == ("/content/en/markdown", code)


def test_a_script_link_is_not_made():
    assert "href" not in rendered("[x](javascript:alert(1))").html


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        ("Hello {{ name }}", "variable-in-subject"),
        ("a\r\nBcc: b@c", "control-characters"),
        ("a\u2028b", "control-characters"),
    ],
)
def test_a_subject_is_plain_text(subject, code):
    assert fault(lambda: check_subject(subject, pointer="/s")) == ("/s", code)
