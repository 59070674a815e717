"""Bad cards: one clear error each, with the place."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
import uproot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wmassfit import interchange
from wmassfit.errors import FormatError, UnsupportedFeature, WmassfitError
from wmassfit.interchange.combine.formula import product_of

from ..combine_cards import put_card, put_histograms
from .test_datacard import COUNTING, SHAPES, shape_files

BAD = {
    "a channel twice": (
        "bin bin1\nobservation 0\n",
        "bin bin1 bin1\nobservation 0 0\n",
        r"line \d+: the card names channel bin1 twice",
    ),
    "too few rates": ("0.06  0.22", "0.06", r"line \d+: 3 rates for 4 columns"),
    "not a number": ("1.47", "x1.47", r"line \d+: 'x1.47' is not a number"),
    "NaN": ("1.47", "nan", "not a finite number"),
    "jmax": ("jmax 3", "jmax 2", r"line 3: jmax says 2, but there are 3"),
    "kmax": ("kmax 4", "kmax 5", "kmax says 5, but there are 4"),
    "short line": ("bg_others lnN    -     -     -   1.30", "bg_others lnN - -", "2 entries for 4 columns"),
    "negative": ("1.30", "-1.30", "must be positive"),
    "gmN and rate": ("0.16", "0.26", "contradicts the rate"),
    "group": ("theory group = xs_ggH", "theory group = xs_ggh", "names xs_ggh"),
    "group again": ("theory group +=", "theory group =", "already defined"),
    "no rate line": ("rate ", "rates ", "not a Combine datacard"),
    "process twice": ("ggH  qqWW", "qqWW  qqWW", "twice in channel"),
    "id": ("  0     1     2     3", " 0     1     2     1.5", "not an integer"),
    "edit": ("theory group +=", "nuisance edit split * * lumi a b 1.1 1.2\ntheory group +=", "edit split"),
    "edit adds to nothing": (
        "theory group +=",
        "nuisance edit add nosuch * extra lnN 1.1\ntheory group +=",
        r"edit add nosuch \* extra lnN 1.1: there is no process nosuch",
    ),
    "edit changes nothing": (
        "theory group +=",
        "nuisance edit changepdf nosuch lnU\ntheory group +=",
        "edit changepdf nosuch lnU: there is no nuisance nosuch",
    ),
    "edit renames nothing": (
        "theory group +=",
        "nuisance edit rename nosuch * lumi lum\ntheory group +=",
        "there is no nuisance lumi there",
    ),
    "edit drops nothing of a process": (
        "theory group +=",
        "nuisance edit drop nosuch * lumi\ntheory group +=",
        "edit drop nosuch .* no such nuisance",
    ),
    "a word alone": ("theory group +=", "nuisance\ntheory group +=", "'nuisance' stands alone"),
    "edit of nothing": ("theory group +=", "nuisance edit drop * * nothing\ntheory group +=", "no such nuisance"),
    "stars": ("theory group +=", "* autoMCStats 0\ntheory group +=", "no histograms"),
    "nowhere": ("theory group +=", "other autoMCStats 0\ntheory group +=", "no channel other"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_cards(tmp_path: Path, case: str) -> None:
    old, new, message = BAD[case]
    assert old in COUNTING
    card = put_card(tmp_path / "card.txt", COUNTING.replace(old, new))
    with pytest.raises(FormatError, match=message) as caught:
        interchange.read(card)
    assert "card.txt" in str(caught.value) or "channel" in str(caught.value)


def test_everything_unsupported_in_one_list(tmp_path: Path) -> None:
    more = """
    width param 1 -0.1/+0.2
    a trG 1 1 1 1
    pdfindex discrete
    f rateParam bin1 ggH exp(@0) lumi
    g rateParam bin1 ggH file.root:w
    """
    card = put_card(tmp_path / "card.txt", COUNTING.replace("kmax 4", "kmax *") + more)
    with pytest.raises(UnsupportedFeature, match=r"width.*a of type trG.*pdfindex.*g from file.root:w"):
        interchange.read(card)
    card = put_card(tmp_path / "card.txt", COUNTING + "f rateParam bin1 ggH exp(@0) lumi\n")
    with pytest.raises(UnsupportedFeature, match=r"rateParam f = exp\(@0\) of lumi"):
        interchange.read(card)


def test_one_kind_of_shape_for_a_process(tmp_path: Path) -> None:
    card, _ = shape_files(tmp_path)
    card.write_text(card.read_text().replace("alpha shape ", "alpha shapeN "))
    with pytest.raises(FormatError, match="alpha is a shapeN and beta a shape"):
        interchange.read(card)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sr/bkg_alphaUp": None}, "there is no histogram sr/bkg_alphaUp"),
        ({"sr/data_obs": None}, "there is no histogram sr/data_obs"),
        ({"sr/bkg_alphaDown": [1.0, 2.0]}, "2 bins and .* has 3"),
        ({"sr/sig": [1.0, np.nan, 2.0]}, "sr/sig holds nan in bin 2"),
        ({"sr/bkg": [10.0, 12.0, 15.0]}, "the rate is 36, but the histogram holds 37"),
        ({"sr/bkg_alphaUp": [0.0, 0.0, 0.0]}, "alpha: the sum of a histogram is 0"),
        ({"sr/data_obs": [-1.0, 2.0, 3.0]}, "negative"),
    ],
)
def test_bad_histograms(tmp_path: Path, change: dict[str, list[float] | None], message: str) -> None:
    card, contents = shape_files(tmp_path)
    put_histograms(tmp_path / "shapes.root", {k: v for k, v in (contents | change).items() if v is not None})
    with pytest.raises(FormatError, match=message):
        interchange.read(card)


def test_files_that_are_not_what_they_should_be(tmp_path: Path) -> None:
    card, _ = shape_files(tmp_path)
    whole = (tmp_path / "shapes.root").read_bytes()
    for broken, message in (
        (whole[: len(whole) // 2], "truncated|damaged"),
        (b"no", "not a ROOT file"),
        (None, "no file"),
    ):
        (tmp_path / "shapes.root").unlink()
        if broken is not None:
            (tmp_path / "shapes.root").write_bytes(broken)
        else:
            with pytest.raises(FormatError, match=message):
                interchange.read(card)
            break
        with pytest.raises(FormatError, match=message):
            interchange.read(card)
    with uproot.recreate(tmp_path / "shapes.root") as file:
        file["sr/data_obs"] = "not a histogram"
        file["sr/sig"] = "not a histogram"
    with pytest.raises(FormatError, match="is a TObjString"):
        interchange.read(card)


def test_paths_that_climb_out(tmp_path: Path) -> None:
    folder = tmp_path / "cards"
    folder.mkdir()
    card, _ = shape_files(tmp_path)
    inner = put_card(folder / "card.txt", card.read_text().replace("shapes.root", "../shapes.root"))
    with pytest.raises(FormatError, match="lies outside of the folder"):
        interchange.read(inner)
    (folder / "link.root").symlink_to(tmp_path / "shapes.root")
    linked = put_card(folder / "linked.txt", card.read_text().replace("shapes.root", "link.root"))
    with pytest.raises(FormatError, match="lies outside of the folder"):
        interchange.read(linked)
    assert interchange.read(inner, outside=True).n_bins == 3


@pytest.mark.parametrize(
    "formula", ["@0+1", "exp(@0)", "@9", "__import__('os')", "@0**@1", "1/0", "0*@0", "(", "@0.real", "9**99"]
)
def test_formulas_that_are_no_products(formula: str) -> None:
    with pytest.raises(UnsupportedFeature, match="rateParam f"):
        product_of(formula, ["a", "b"], name="f")


@given(
    powers=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([-2, -1, 1, 2])), min_size=1, max_size=5),
    number=st.floats(0.01, 100),
)
def test_products(powers: list[tuple[str, int]], number: float) -> None:
    text = repr(number) + "".join(
        f"*@{'abc'.index(n)}^{p}" if p > 0 else f"/@{'abc'.index(n)}**{-p}" for n, p in powers
    )
    coefficient, found = product_of(text, list("abc"), name="f")
    at = {"a": 1.7, "b": 0.4, "c": 2.2}
    expected = number * np.prod([at[n] ** p for n, p in powers])
    assert coefficient * np.prod([at[n] ** p for n, p in found.items()]) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 500),
            st.integers(0, 3),
            st.sampled_from(["", "-", "nan", "*", "1e999", "\x00", "é", "/", "[", "$X"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_damaged_text_is_refused_or_read(tmp_path: Path, damage: list[tuple[int, int, str]]) -> None:
    text = COUNTING
    for at, drop, put in damage:
        text = text[:at] + put + text[at + drop :]
    card = put_card(tmp_path / "card.txt", text)
    with contextlib.suppress(WmassfitError):
        interchange.read(card)


def test_a_card_that_is_no_card(tmp_path: Path) -> None:
    (tmp_path / "card.txt").write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(FormatError, match="not text"):
        interchange.read(tmp_path / "card.txt")
    with pytest.raises(FormatError, match="not a Combine datacard"):
        interchange.read(put_card(tmp_path / "notes.txt", "shopping list"))


def test_shape_and_log_normal_of_one_name(tmp_path: Path) -> None:
    card, _ = shape_files(tmp_path)
    card.write_text(card.read_text() + "alpha lnN 1.1 -\n")
    with pytest.raises(FormatError, match="both lnN and shape"):
        interchange.read(card)
    assert "kmax" in SHAPES
