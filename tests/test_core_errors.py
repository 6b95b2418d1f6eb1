"""Errors carry what a person needs, and messages come in the language that was asked for."""

from pathlib import Path

import pytest

from laudo.core import messages
from laudo.core.errors import DataError, LaudoError, UnreadableImageError
from laudo.core.messages import language_from_environment, set_language
from laudo.core.progress import listen, say, step, track


def test_an_error_shows_every_part_that_is_known_and_no_other():
    error = DataError("Broken.", file=Path("a/b.png"), found="text", details=("one", "two"), cure="mend it")
    text = str(error)
    assert text.splitlines()[0] == "Broken."
    for part in ("a/b.png", "text", "one", "two", "mend it"):
        assert part in text
    assert "expected" not in text
    assert error.as_dict() == {
        "error": "DataError",
        "what": "Broken.",
        "file": str(Path("a/b.png")),
        "expected": None,
        "found": "text",
        "cure": "mend it",
        "details": ["one", "two"],
    }


def test_an_unreadable_image_is_a_data_error_is_a_laudo_error():
    assert issubclass(UnreadableImageError, DataError)
    assert issubclass(DataError, LaudoError)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "pt_BR.UTF-8"}, "pt"),
        ({"LANG": "pt_BR.UTF-8", "LC_ALL": "es_AR"}, "es"),
        ({"LANG": "es", "LAUDO_LANG": "pt"}, "pt"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "de_DE", "LAUDO_LANG": ""}, "en"),
    ],
)
def test_the_language_comes_from_the_environment(environment, language):
    assert language_from_environment(environment) == language


def test_only_our_languages_can_be_set(monkeypatch):
    monkeypatch.setattr(messages, "_current", "")
    with pytest.raises(ValueError, match="de"):
        set_language("de")
    set_language("pt")
    assert messages.current_language() == "pt"
    monkeypatch.setattr(messages, "_current", "")


class Recorder:
    def __init__(self):
        self.events = []

    def start(self, what, total):
        self.events.append(("start", what, total))
        return len(self.events)

    def advance(self, step, parts=1, note=""):
        self.events.append(("advance", step, parts))

    def finish(self, step):
        self.events.append(("finish", step))

    def say(self, text):
        self.events.append(("say", text))


def test_progress_goes_to_whoever_listens_and_ends_even_when_the_work_fails():
    recorder = Recorder()
    with listen(recorder):
        assert list(track([1, 2], "Counting")) == [1, 2]
        say("done")
        with pytest.raises(ZeroDivisionError), step("Dividing") as advance:
            _ = advance(3) or 1 / 0
    say("nobody hears this")
    assert recorder.events == [
        ("start", "Counting", 2),
        ("advance", 1, 1),
        ("advance", 1, 1),
        ("finish", 1),
        ("say", "done"),
        ("start", "Dividing", None),
        ("advance", 6, 3),
        ("finish", 6),
    ]
