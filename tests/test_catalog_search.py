"""Search: the same contract on SQLite and on a real PostgreSQL, and the same answers to any question."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_example import CASES, address, example
from laudo.catalog.filters import Filters
from laudo.catalog.fold import words_of
from laudo.catalog.open import open_catalog
from laudo.catalog.search import search, search_numbers
from laudo.catalog.words import read_words
from laudo.core.errors import DataError


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def catalog(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalog")
    with open_catalog(example(folder, address(request.param, folder, request)).db) as opened:
        yield opened


def cases(catalog, words="", **conditions):
    found = search(catalog, words, Filters.of(conditions), limit=100)
    assert found.images == len(found.hits)
    assert found.cases == len({hit.case for hit in found.hits})
    return sorted({hit.case for hit in found.hits})


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("appendicitis", ["A1", "A2"]),
        ("APPENDICITIS abscess", ["A1", "A2"]),
        ("acute appendicitis", ["A1"]),
        ('"acute appendicitis"', ["A1"]),
        ('"appendicitis acute"', []),
        ("append*", ["A1", "A2"]),
        ('"fat strand*"', ["A1"]),
        ("edema -mass", ["B2"]),
        ("edema -mas*", []),
        ('mass -"midline shift"', []),
        ("-ct -appendicitis pain", []),
        ("pain -woman", ["A2"]),
        # Portuguese and Spanish: with and without accents, composed and not, with stop words
        ("lesao", ["B2"]),
        ("lesão expansiva", ["B2"]),
        ("LESA\u0303O após", ["B2"]),
        ("vomitos cefaleia", ["B2"]),
        ("massa na fossa posterior", ["B2"]),
        ("coracao acao", ["E1"]),
        ("nodulo", ["C1"]),
        ("nódulo en el lóbulo", ["C1"]),
        ("varon tos", ["C1"]),
        ("the consolidation of the lung", ["C2"]),
        # what the data bases would cut or read in their own ways
        ("β-hcg", ["C2"]),
        ("1e5", ["C2"]),
        ("3.5", ["C2"]),
        ('"os odontoideum"', ["D1"]),
        ('"os calcis"', ["C2"]),
        ("T2-weighted", ["B1"]),
        ("100% normal", ["E1"]),
        ("O'Brien's", ["E1"]),
        ("vermiform", ["A1"]),
        # a phrase never reaches from one field into the next: the title's last word and the diagnosis' first
        ('"fever pneumonia"', []),
        ("the of", sorted(CASES)),
        ("", sorted(CASES)),
        ("nothingoftheset", []),
    ],
)
def test_words(catalog, words, expected):
    assert cases(catalog, words) == expected


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"modality": "CT"}, ["A1", "A2", "C1", "C2", "D1"]),
        ({"modality": "tc"}, ["A1", "A2", "C1", "C2", "D1"]),
        ({"modality": "RM"}, ["B1", "B2", "E1"]),
        ({"modality": "flair"}, ["B1", "B2", "E1"]),
        ({"modality": ["CT", "MR"]}, sorted(CASES)),
        ({"plane": "axial"}, ["A1", "B1", "C1", "C2", "D1"]),
        ({"plane": "sagital"}, ["B2"]),
        ({"location": "chest"}, ["C1", "C2"]),
        ({"location": "Thorax"}, ["C1", "C2"]),
        ({"location": "spine and muscles"}, ["D1"]),
        ({"sex": "mulher"}, ["A1", "B1", "C2", "E1"]),
        ({"sex": "male"}, ["A2", "B2", "C1"]),
        ({"age": "60-"}, ["A1", "B1", "E1"]),
        ({"age": "61-"}, ["A1", "E1"]),
        ({"age": "-18"}, ["A2", "B2", "C2"]),
        ({"age": "-17"}, ["A2", "C2"]),
        ({"age": "40-60"}, ["B1", "C1"]),
        ({"split": "test"}, ["B2", "C2"]),
        ({"split": ["dev", "teste"]}, ["B1", "B2", "C2"]),
        ({"source": "Example"}, sorted(CASES)),
        ({"modality": "CT", "sex": "female", "age": "60-"}, ["A1"]),
    ],
)
def test_filters(catalog, conditions, expected):
    assert cases(catalog, **conditions) == expected


def test_words_and_filters_together(catalog):
    assert cases(catalog, "appendicitis", modality="CT", sex="female", age="60-") == ["A1"]
    assert cases(catalog, "pain", sex="male") == ["A2"]


@pytest.mark.parametrize(
    "conditions",
    [{"modality": "PET"}, {"plane": "oblique"}, {"location": "knee"}, {"sex": "x1"}, {"age": "old"}, {"split": "last"},
     {"source": "other"}, {"wrong": "runs/none"}],
)  # fmt: skip
def test_a_value_that_no_image_has_is_told_with_those_that_there_are(catalog, conditions):
    with pytest.raises(DataError) as caught:
        search(catalog, "", Filters.of(conditions))
    assert caught.value.expected


def test_hits_tell_everything(catalog):
    (hit,) = search(catalog, "appendicitis", Filters.of({"sex": "female"}), limit=1).hits
    assert (hit.case, hit.data_set, hit.image) == ("A1", "example", "images/A1_1.png")
    assert hit.path.is_file()
    assert hit.about["modality_detail"] == "CT w/contrast (IV)"
    assert (hit.about["sex"], hit.about["age"], hit.about["age_years"]) == ("female", "64", 64.0)
    assert hit.texts["findings"] == "Appendicolith; no abscess"
    assert hit.texts["discussion"].startswith("Appendicitis is")
    assert hit.score > 0
    assert hit.snippet.text[slice(*hit.snippet.marks[0])] == "appendicitis"


def test_the_best_come_first(catalog):
    """In the diagnosis a word weighs more than in a finding."""
    hits = search(catalog, "mass", Filters(), limit=100).hits
    assert [hit.case for hit in hits] == ["B1", "B1"]
    order = [hit.case for hit in search(catalog, "edema", Filters(), limit=100).hits]
    assert sorted(order[:2]) == ["B1", "B1"]  # caption and findings, not the caption alone
    scores = [hit.score for hit in search(catalog, "appendicitis", Filters(), limit=100).hits]
    assert scores == sorted(scores, reverse=True)


def test_limit_and_counts(catalog):
    found = search(catalog, "", Filters(), limit=3)
    assert (found.images, found.cases, len(found.hits)) == (15, 8, 3)
    assert [hit.sample for hit in found.hits] == ["images/A1_1.png", "images/A1_2.png", "images/A2_1.png"]
    assert len(search_numbers(catalog, "appendicitis", Filters())) == 4


def test_a_search_without_answer_says_what_would_have_one(catalog):
    found = search(catalog, "appendicitis", Filters.of({"modality": "CT", "sex": "male", "age": "60-"}))
    assert found.images == 0
    wider = {one.without: one for one in found.wider}
    assert set(wider) == {"sex", "age"}  # without the words there is no man over 60 either
    assert (wider["age"].images, wider["age"].conditions) == (2, {"modality": ["CT"], "sex": ["male"]})
    shorter = search(catalog, "appendix perforation", Filters())
    assert [(one.without, one.words, one.images) for one in shorter.wider] == [("words", "appen* perfora*", 2)]


def test_answers_are_shown_in_a_notebook(catalog):
    html = search(catalog, "O'Brien's normal", Filters())._repr_html_()
    assert "<mark>normal</mark>" in html
    assert "<b>2</b>" in html
    assert "&quot;" in html


# any question --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both(postgres, tmp_path_factory):
    folder = tmp_path_factory.mktemp("both")
    with (
        open_catalog(example(folder / "a", str(folder / "c.sqlite")).db) as one,
        open_catalog(example(folder / "b", postgres.schema()).db) as other,
    ):
        yield one, other


VOCABULARY = sorted({word for case in CASES.values() for text in case[-1].values() for word in text.split()})
PIECES = st.one_of(
    st.sampled_from(VOCABULARY),
    st.sampled_from(
        ['"', "-", "*", "'", "AND", "OR", "NOT", "NEAR(", ")", ":", "&", "|", "!", "<->", "\\", "%", "_", "the", ";--"]
    ),
    st.sampled_from(VOCABULARY).map(lambda word: word[:3] + "*"),
    st.sampled_from(VOCABULARY).map(lambda word: "-" + word),
    st.text(max_size=6),
)
QUESTIONS = st.one_of(st.text(), st.lists(PIECES, max_size=5).map(" ".join), st.lists(PIECES, max_size=5).map("".join))


@settings(max_examples=100)
@given(QUESTIONS)
def test_both_data_bases_give_the_same_answer_to_any_question(both, question):
    sets = [set(search_numbers(catalog, question, Filters())) for catalog in both]
    assert sets[0] == sets[1]


@settings(max_examples=40)
@given(st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=3), st.booleans())
def test_the_answers_are_those_of_a_naive_search(both, chosen, as_phrase):
    """Every word of the question stands in the texts of each answer, and of no other image."""
    text = '"' + " ".join(chosen).replace('"', "") + '"' if as_phrase else " ".join(chosen)
    question = read_words(text)
    expected = set()
    for place, case in enumerate(CASES):
        told = CASES[case][-1]
        fields = [[word.folded for word in words_of(text)] for text in told.values()]
        if all(any(_follows(field, term) for field in fields) for term in question.wanted) and not any(
            _follows(field, term) for field in fields for term in question.excluded
        ):
            expected.add((place, case))
    for catalog in both:
        found = {hit.case for hit in search(catalog, text, Filters(), limit=100).hits}
        assert found == {case for _place, case in expected}


def _follows(field, term):
    size = len(term.words)
    for start in range(len(field) - size + 1):
        *first, last = field[start : start + size]
        if first == list(term.words[:-1]) and (
            last.startswith(term.words[-1]) if term.prefix else last == term.words[-1]
        ):
            return True
    return False


@settings(max_examples=40)
@given(
    st.fixed_dictionaries(
        {}, optional={name: st.text(max_size=8) for name in ("modality", "plane", "location", "sex", "source")}
    )
)
def test_no_filter_is_a_fault_of_the_data_base(both, conditions):
    answers = []
    for catalog in both:
        try:
            answers.append(sorted(search_numbers(catalog, "", Filters.of(conditions))))
        except DataError as error:
            answers.append(error.what)
    assert answers[0] == answers[1]
    assert "data base refuses" not in str(answers[0])
