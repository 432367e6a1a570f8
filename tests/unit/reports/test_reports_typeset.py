"""Letters of all scripts come from fonts that have them, run as their readers expect, and stay within their line."""

import pkgutil
from pathlib import Path

import pytest

from services.reports.formats.typeset import bidi, fonts, source
from services.reports.formats.typeset.lines import Look, clean, lay, single
from tests.unit.reports.printing import face_setting

LOOK = Look(10)
SCRIPTS = {
    "Latin": "Łukasz Żółć, naïve façade",
    "Greek": "Ωμέγα και άλφα",
    "Cyrillic": "Юлия и Ъ",
    "Arabic": "عمر الخيام",
    "Hebrew": "שָׁלוֹם עולם",
    "Devanagari": "हिन्दी क्षत्रिय",
    "Bengali": "বাংলা ভাষা",
    "Tamil": "தமிழ் மொழி",
    "Thai": "สวัสดีชาวโลก เมื่อ",
    "Chinese": "東京的商店",
    "Japanese": "これは、カタカナ",
    "Korean": "서울 상점",
    "emoji": "🚀 ✓ ★",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_letters_of_every_script_are_in_a_font(script: str) -> None:
    setting = face_setting()
    lines = lay([(SCRIPTS[script], LOOK)], 1000, setting)
    glyphs = [glyph for line in lines for piece in line.pieces for glyph in piece.part.shaped.glyphs]
    assert setting.missing == {}
    assert all(glyph.number for glyph in glyphs)
    assert "".join(glyph.text for glyph in glyphs).strip()


def test_letters_are_shaped() -> None:
    setting = face_setting()
    (part,) = setting.parts("ببب", bold=False, italic=False, leftward=True)
    assert len({glyph.number for glyph in part.shaped.glyphs}) == 3, (
        "a letter has other forms at begin and end"
    )
    (part,) = setting.parts("क्ष", bold=False, italic=False, leftward=False)
    assert len(part.shaped.glyphs) == 1, "three letters are one sign"


def test_figures_are_all_as_wide() -> None:
    (part,) = face_setting().parts("0123456789", bold=True, italic=False, leftward=False)
    assert len({glyph.advance for glyph in part.shaped.glyphs}) == 1


def test_a_letter_without_a_font_is_replaced_and_told() -> None:
    setting = fonts.Setting(fonts.Fonts(lambda _: None))
    (line,) = lay([("a東京", LOOK)], 1000, setting)
    assert list(setting.missing) == ["東", "京"]
    assert len([glyph for piece in line.pieces for glyph in piece.part.shaped.glyphs]) == 3


def test_fonts_are_found_below_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_installed", [])
    (tmp_path / "deep").mkdir()
    assert source.install(str(tmp_path)) == 0
    vera = fonts.installed().base(bold=False, italic=False)
    assert vera.name == "Vera"
    (tmp_path / "deep" / "NotoSans-Regular.ttf").write_bytes(
        pkgutil.get_data("reportlab", "fonts/VeraBd.ttf") or b""
    )
    (tmp_path / "deep" / "NotoSansHebrew-Regular.ttf").write_bytes(b"no font at all")
    assert source.install(str(tmp_path)) == 2
    assert fonts.installed().base(bold=False, italic=False).capital != 0
    assert fonts.installed().base(bold=False, italic=False).name == "NotoSans-Regular"
    (part,) = fonts.installed().parts("ש", bold=False, italic=False, leftward=True)
    assert part.missing == "ש"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("abc", "abc"),
        ("אבג", "גבא"),
        ("abc אבג def", "abc גבא def"),
        ("אבג 123 דה", "הד 123 גבא"),
        ("אבג abc דה", "הד abc גבא"),
        ("ab אב 12 ab", "ab 12 בא ab"),
        ("א (ב)", "(ב) א"),
        ("a (ב)", "a (ב)"),
        ("אב +49-171", "49-171+ בא"),
        ("ب 1.5 %", "% 1.5 ب"),
        ("12 €", "12 €"),
    ],
)
def test_what_runs_from_right_to_left_is_ordered(text: str, seen: str) -> None:
    levels = bidi.levels(text)
    turned = {"(": ")", ")": "("}
    found = [
        turned.get(text[place], text[place]) if levels[place] % 2 else text[place]
        for place in bidi.order(levels)
    ]
    assert "".join(found) == seen


def test_lines_are_no_wider_than_they_may_be() -> None:
    setting = face_setting()
    for text in [
        *SCRIPTS.values(),
        "a" * 300,
        "東京" * 100,
        "x " * 200,
        "https://example.com/" + "a=b&" * 50,
    ]:
        for width in (30.0, 77.0, 200.0):
            lines = lay([(text, LOOK)], width, setting)
            assert max(line.width for line in lines) <= width + 0.1
            assert "".join(_letters(lines)) == "".join(text.split())


def _letters(lines: list) -> str:
    """What the lines say, without spaces, in the order it is written."""
    parts = [sorted(line.pieces, key=lambda piece: 0) for line in lines]
    return "".join(
        "".join(piece.part.text for piece in (reversed(line) if rtl else line)).replace(" ", "")
        for line, rtl in zip(parts, (line.leftward for line in lines))
    )


def test_words_in_several_looks_are_one_word() -> None:
    setting = face_setting()
    bold = Look(10, bold=True)
    (wide,) = lay([("un", LOOK), ("break", bold), ("able", LOOK)], 200, setting)
    assert [piece.look.bold for piece in wide.pieces] == [False, True, False]
    first, second = lay([("so un", LOOK), ("breakable", bold)], wide.width + 5, setting)
    assert [piece.part.text for piece in first.pieces] == ["so"]
    assert [piece.part.text for piece in second.pieces] == ["un", "breakable"]


def test_a_line_that_is_too_long_ends_with_an_ellipsis() -> None:
    setting = face_setting()
    line = single("a rather long title of a report", LOOK, setting, 60)
    assert line.width <= 60
    assert line.pieces[-1].part.text.endswith("…")
    assert single("short", LOOK, setting, 60).pieces[-1].part.text == "short"


@pytest.mark.parametrize("text", ["a\u202eb", "a\u2066b\u2069", "a\ufeffb", "a\u200bb", "a\ud800b"])
def test_what_turns_directions_is_taken_out(text: str) -> None:
    assert clean(text) == "ab"


def test_what_controls_terminals_is_taken_out() -> None:
    assert clean("a\x1b[31m\x00b\tc\r\nd") == "a [31m b c\nd"
