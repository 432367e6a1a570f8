"""Text on paper: which font has a letter, which way it runs, where a line ends.

Comes in: words and a width. Goes out: lines of glyphs with their places. `source` finds the fonts of the machine, `fonts` chooses
among them letter by letter, `face` shapes, `bidi` orders what runs from right to left, `lines` breaks. Next: `paper` puts the lines
on pages.
"""
