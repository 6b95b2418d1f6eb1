"""The catalogues are complete, and the language that is asked for comes out."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol

from laudo.core import messages
from laudo.core.errors import RecipeError
from laudo.core.messages import LANGUAGES, LOCALE_OF, language_from_environment, set_language, translator
from laudo.core.recipe_file import load_recipe

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "laudo"
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
TRANSLATED = [language for language in LANGUAGES if language != "en"]
NO_RECIPE = {
    "en": "There is no recipe of this name.",
    "pt": "Não há receita com este nome.",
    "es": "No hay receta con este nombre.",
}

Key = str | tuple[str, ...]


@cache
def extracted() -> frozenset[Key]:
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(SOURCE, methods, options, KEYWORDS)
    return frozenset(text for _file, _line, text, _comments, _context in found)


@cache
def catalogue(language: str) -> Catalog:
    with (SOURCE / "locale" / language / "LC_MESSAGES" / "laudo.po").open("rb") as file:
        return read_po(file, abort_invalid=True)


def texts(language: str) -> list[Message]:
    return [message for message in catalogue(language) if message.id]


def forms(text: Key) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"\{[a-z_]*\}", text))


@pytest.fixture
def language_kept():
    before = messages._current
    yield
    messages._current = before


def test_texts_are_found_in_python_and_in_templates():
    assert "There is no recipe of this name." in extracted()
    assert "How to read this" in extracted()  # the macros of the report's templates
    assert ("{n} image", "{n} images") in extracted()
    assert len(extracted()) > 600


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_of_the_source_is_translated(language):
    known = {message.id for message in texts(language) if all(forms(message.string)) and not message.fuzzy}
    assert extracted() - known == set(), "run `make messages` and translate what is empty"


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_is_left_over(language):
    assert {message.id for message in texts(language)} - extracted() == set()
    assert not catalogue(language).obsolete


@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_are_kept(language):
    for message in texts(language):
        sources = forms(message.id)
        for number, text in enumerate(forms(message.string)):
            source = sources[min(number, len(sources) - 1)]
            if isinstance(message.id, str):
                assert placeholders(text) == placeholders(source), text
            else:
                assert set(placeholders(text)) == set(placeholders(source)), text
            assert not re.search(r"%\(|%[sdif]", text), text


@pytest.mark.parametrize("language", TRANSLATED)
def test_spaces_commands_and_settings_are_kept(language):
    for message in texts(language):
        for source, text in zip(forms(message.id), forms(message.string), strict=False):
            assert (source[0] == " ", source[-1] == " ") == (text[0] == " ", text[-1] == " "), text
            for word in re.findall(r"--[a-z][\w.=-]*[a-z]|LAUDO_[A-Z]+|`[^`]+`|laudo [a-z]+ [a-z]+", source):
                if word.startswith(("--", "LAUDO", "`")):
                    assert word in text, text


@pytest.mark.parametrize("language", TRANSLATED)
def test_decimals_are_written_as_the_language_writes_them(language):
    assert get_decimal_symbol(LOCALE_OF[language]) == ","
    for message in texts(language):
        if "0.5" in " ".join(forms(message.id)):
            assert all("0,5" in text for text in forms(message.string)), message.string


@pytest.mark.parametrize("language", TRANSLATED)
def test_plural_forms_are_complete(language):
    counted = [message for message in texts(language) if not isinstance(message.id, str)]
    assert counted
    for message in counted:
        assert len(message.string) == catalogue(language).num_plurals
        assert all(message.string), message.id


@pytest.mark.parametrize(("language", "plural"), [("pt", "(n > 1)"), ("es", "(n != 1)")])
def test_the_header_names_the_language_and_its_plurals(language, plural):
    assert str(catalogue(language).locale) == LOCALE_OF[language]
    assert catalogue(language).num_plurals == 2
    assert catalogue(language).plural_expr == plural


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LAUDO_LANG": "pt"}, "pt"),
        ({"LAUDO_LANG": "es", "LC_ALL": "pt_BR.UTF-8"}, "es"),
        ({"LC_ALL": "pt_PT.UTF-8", "LANG": "es_ES.UTF-8"}, "pt"),
        ({"LC_MESSAGES": "es_AR.UTF-8", "LANG": "en_GB.UTF-8"}, "es"),
        ({"LANG": "pt_BR.UTF-8"}, "pt"),
        ({"LANG": "ES"}, "es"),
        ({"LAUDO_LANG": "", "LANG": "pt_BR"}, "pt"),
        ({"LC_ALL": "C", "LANG": "pt_BR.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_language_comes_from_the_environment(environment, language):
    assert language_from_environment(environment) == language


def test_unknown_language_is_refused(language_kept):
    set_language("pt")
    with pytest.raises(ValueError, match=r"'de'.*en, pt, es"):
        set_language("de")
    assert messages.current_language() == "pt"


@pytest.mark.parametrize("language", LANGUAGES)
def test_translator_speaks_its_own_language(language, language_kept):
    set_language("es" if language == "pt" else "pt")
    assert translator(language)("There is no recipe of this name.") == NO_RECIPE[language]


def test_a_text_that_nobody_translated_is_shown_as_it_is():
    assert translator("pt")("ROOT/CLASS/image.png") == "ROOT/CLASS/image.png"


@pytest.mark.parametrize("language", LANGUAGES)
def test_errors_come_out_in_the_language(language, language_kept):
    set_language(language)
    with pytest.raises(RecipeError) as caught:
        load_recipe("nonsense")
    assert caught.value.what == NO_RECIPE[language]


@pytest.mark.parametrize(
    ("n", "language", "text"),
    [
        (1, "pt", "{n} imagem"),
        (2, "pt", "{n} imagens"),
        (1, "es", "{n} imagen"),
        (0, "es", "{n} imágenes"),
        (0, "en", "{n} images"),
    ],
)
def test_numbers_agree_with_their_nouns(n, language, text, language_kept):
    set_language(language)
    assert messages.ngettext("{n} image", "{n} images", n) == text


def run_laudo(arguments: list[str], language: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "LAUDO_"))}
    environment |= {"PYTHONIOENCODING": "utf-8", **({"LAUDO_LANG": language} if language else {})}
    command = [sys.executable, "-m", "laudo", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.parametrize(
    ("arguments", "language", "text"),
    [
        (["--help"], None, "Show what laudo found on this machine:"),
        (["--help"], "pt", "Mostra o que o laudo encontrou nesta máquina:"),
        (["--help", "--lang", "es"], "pt", "Muestra lo que laudo encontró en esta máquina:"),
        (["--lang=es", "--help"], None, "Muestra lo que laudo encontró en esta máquina:"),
    ],
)
def test_help_comes_out_in_the_language(arguments, language, text):
    result = run_laudo(arguments, language)
    assert result.returncode == 0, result.stderr
    assert text in result.stdout


def test_the_command_line_reports_errors_in_the_language(tmp_path):
    result = run_laudo(["data", "import", "phantom-brian", str(tmp_path), "-o", str(tmp_path), "--lang", "es"])
    assert result.returncode == 2
    assert "Error: No hay fuente de datos con este nombre." in result.stderr
    assert "qué hacer: ¿Quiso decir phantom-brain?" in result.stderr
