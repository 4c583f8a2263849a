"""The state of an encoder comes back to the same bits, by way of JSON and arrays, and nothing else is let in."""

from __future__ import annotations

import copy
import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from test_features import dense

from attnrec.features import FeatureEncoder
from tables import WINES, LetterCounts, encoder


def written(fitted):
    """Its state as a file would hold it."""
    facts, arrays = fitted.state()
    return json.loads(json.dumps(facts, allow_nan=False)), {name: array.copy() for name, array in arrays.items()}


def same(a, b):
    assert_array_equal(dense(a.matrix), dense(b.matrix))
    assert_array_equal(a.present, b.present)
    assert a.names == b.names
    assert a.modalities == b.modalities
    assert (a.ids is None and b.ids is None) or a.ids == b.ids


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"weights": {"notes": 0.3, "grapes": np.float32(2)}, "id": "wine"},
        {"min_frequency": 2, "max_features": 3, "separator": {"grapes": "|"}, "min_df": np.int64(1)},
        {"text": {"all": ["notes", "region"]}, "vectors": ["v0", "v1"], "id": False},
    ],
)
def test_round_trip(changes):
    fitted = encoder(**changes).fit(WINES)
    again = FeatureEncoder.from_state(*written(fitted))
    fresh = WINES | {"notes": ["wine", "RED", "são Paulo", None, "xyz"], "wine": [1, 2, 3, 4, 5]}
    for table in (WINES, fresh, pd.DataFrame(WINES)[:2]):
        same(again.transform(table), fitted.transform(table))
    assert written(again)[0] == written(fitted)[0]
    assert again.report() == fitted.report().partition("\nleft out")[0]  # what was left out is not kept
    same(again.fit(WINES).transform(WINES), fitted.transform(WINES))


def test_a_loaded_encoder_wants_a_guessed_id_no_more_than_before():
    again = FeatureEncoder.from_state(*written(encoder().fit(WINES)))
    assert again.transform({k: v for k, v in WINES.items() if k != "wine"}).ids is None


def test_a_sentence_encoder_is_asked_for_and_told_from_others():
    letters = LetterCounts()
    fitted = FeatureEncoder(text={"about": "notes"}, categories="region", encoder=letters).fit(WINES)
    facts, arrays = written(fitted)
    assert facts["modalities"][0]["encoder"] == "tables.LetterCounts"
    assert set(arrays) == {"0.probe"}
    for given in (letters, {"about": letters}):
        same(FeatureEncoder.from_state(facts, arrays, encoder=given).transform(WINES), fitted.transform(WINES))
    for given, message in (
        (None, r"modality 'about': it was encoded by tables.LetterCounts.*pass the same as encoder=.*{'about': ...}"),
        ({}, "pass the same as encoder="),
        (LetterCounts("wxyzoue"), "encoder= is not the tables.LetterCounts that it was encoded by"),
        (LetterCounts("ab"), "gave vectors of 2 numbers where it was fitted with 7"),
    ):
        with pytest.raises(ValueError, match=message):
            FeatureEncoder.from_state(facts, arrays, encoder=given)
    with pytest.raises(TypeError, match="encoder has no method encode"):
        FeatureEncoder.from_state(facts, arrays, encoder=7)


def changed(path, value):
    """A change of the facts: a path of keys and what to put there; ... takes it away."""

    def change(facts, arrays):
        at = facts
        for key in path[:-1]:
            at = at[key]
        if value is ...:
            del at[path[-1]]
        else:
            at[path[-1]] = value

    return change


def replaced(name, value):
    """A change of the arrays."""

    def change(facts, arrays):
        if value is ...:
            del arrays[name]
        else:
            arrays[name] = value

    return change


M = "modalities"
BROKEN = {
    "another format": (changed(["format"], 2), "facts of format 1"),
    "no settings": (changed(["settings"], ...), "its settings are None"),
    "an unknown setting": (changed(["settings", "evil"], 1), "its settings are"),
    "a setting of another type": (changed(["settings", "min_df"], "2"), "min_df='2' is not a whole number"),
    "a weight of another type": (changed(["settings", "weights"], {"notes": "1"}), "must be a number"),
    "a weight of nothing": (changed(["settings", "weights"], {"x": 1.0}), "weights names 'x'"),
    "a separator of another type": (changed(["settings", "separator"], 5), "separator=5"),
    "an id column of another type": (changed(["id"], 5), "column of ids is 5"),
    "no modalities": (changed([M], []), r"its modalities are \[\]"),
    "modalities of another type": (changed([M], {}), "its modalities are"),
    "a modality of another type": (changed([M, 0], 5), "5 is no modality"),
    "a kind that is none": (changed([M, 0, "kind"], "pickle"), "is no modality"),
    "a kind that cannot be hashed": (changed([M, 0, "kind"], []), "no modality"),
    "a name twice": (changed([M, 1, "name"], "notes"), "two modalities have one name"),
    "no columns": (changed([M, 0, "columns"], []), "columns is"),
    "columns of another type": (changed([M, 0, "columns"], "notes"), "columns is 'notes'"),
    "terms of another type": (changed([M, 0, "terms"], [1]), "modality 'notes': terms is"),
    "no terms": (changed([M, 0, "terms"], []), "terms is"),
    "a term twice": (changed([M, 0, "terms"], ["wine"] * 3), "terms holds a text twice"),
    "a term more": (changed([M, 0, "terms"], list("abcdefgh")), "idf has . entries instead of 8"),
    "idf of another type": (replaced("0.idf", np.ones(3, np.float32)), "idf is not a vector of float64"),
    "idf of another shape": (replaced("0.idf", np.ones((3, 1))), "idf is not a vector"),
    "idf that is not finite": (replaced("0.idf", np.array([1, np.nan, 1])), "not positive"),
    "idf in a list": (replaced("0.idf", [1.0, 2.0, 3.0]), "idf is not a vector"),
    "no idf": (replaced("0.idf", ...), "idf is not a vector"),
    "an array too many": (replaced("9.idf", np.ones(3)), "arrays that belong to nothing: 9.idf"),
    "no vocabularies": (changed([M, 1, "vocabularies"], ...), "modality 'region': vocabularies is None"),
    "a vocabulary too many": (changed([M, 1, "vocabularies"], [{}, {}]), "not one for each of 1 columns"),
    "a vocabulary of another type": (changed([M, 1, "vocabularies"], [5]), "the vocabulary of 'region' is 5"),
    "labels of another type": (changed([M, 1, "vocabularies", 0, "labels"], [[]]), "labels is"),
    "a label rare and not": (changed([M, 1, "vocabularies", 0, "rare"], ["Douro"]), "a label that is rare and not"),
    "one-hot with separator": (changed([M, 1, "vocabularies", 0, "separator"], "|"), "the separator of 'region'"),
    "multi-hot without": (changed([M, 2, "vocabularies", 0, "separator"], None), "the separator of 'grapes'"),
    "another mean": (replaced("3.mean", np.ones(2)), "mean has 2 entries instead of 1"),
    "an infinite mean": (replaced("3.mean", np.array([np.inf])), "mean holds values that are not finite"),
    "no deviation": (replaced("3.std", np.zeros(1)), "std holds values that are not positive"),
    "widths of another type": (changed([M, 5, "widths"], [1, 1.0]), "widths is"),
    "widths below one": (changed([M, 5, "widths"], [0, 1]), "widths is"),
    "huge widths": (changed([M, 5, "widths"], [1, 10**12]), "widths is"),
    "another number of widths": (changed([M, 5, "widths"], [1]), "not one width for each of 2"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_state_is_refused(case):
    change, message = BROKEN[case]
    facts, arrays = copy.deepcopy(written(encoder().fit(WINES)))
    change(facts, arrays)
    with pytest.raises(ValueError, match=message) as caught:
        FeatureEncoder.from_state(facts, arrays)
    assert str(caught.value).startswith("this is no usable state of a FeatureEncoder: ")


@pytest.mark.parametrize("facts", [None, [], "{}", {}])
def test_facts_that_are_none(facts):
    with pytest.raises(ValueError, match="want facts of format 1"):
        FeatureEncoder.from_state(facts, {})


def test_a_probe_that_is_broken():
    facts, arrays = written(FeatureEncoder(text="notes", encoder=LetterCounts()).fit(WINES))
    for probe in (np.zeros(0), np.ones(7, np.float32), None):
        with pytest.raises(ValueError, match="probe"):
            FeatureEncoder.from_state(facts, arrays | {"0.probe": probe}, encoder=LetterCounts())
