"""Regular expressions that mean the same everywhere: a pattern comes in, its portable form goes out to `filter`.

PostgreSQL and DuckDB (RE2) read many patterns differently. So a pattern is read here, by the subset that the contract names, and
written anew in what both understand alike: classes are spelt out in ASCII, `.` is all but a newline, `^` and `$` are the ends of
the whole text, letters are told apart by case, and groups capture nothing.
"""

from services.kit.errors import Invalid

MAX_LENGTH = 500
MAX_REPEATS = 100
MAX_SIZE = 500
"""Characters of a pattern when its repeats are written out; measured, PostgreSQL takes up to 3 s to read one of 1000."""
MAX_DEPTH = 20

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r" \t\n\r\f\v"}


def portable(pattern: str, at: str) -> str:
    """The portable form of a pattern; raises `Invalid` for the field `at` when it is none."""
    if len(pattern) > MAX_LENGTH:
        raise Invalid(at, f"has {len(pattern)} characters; a regular expression has at most {MAX_LENGTH}")
    reader = _Reader(pattern, at)
    text, _ = reader.choice(0)
    if not reader.ended:
        raise reader.fault("closes a parenthesis that nothing opened; write \\) for the character")
    return text


class _Reader:
    """Reads a pattern from left to right; every method gives what it read in its portable form, and its size."""

    def __init__(self, pattern: str, at: str) -> None:
        self._pattern, self._at, self._place = pattern, at, 0

    @property
    def ended(self) -> bool:
        return self._place == len(self._pattern)

    def choice(self, depth: int) -> tuple[str, int]:
        """Sequences between bars, up to the end or the parenthesis that closes them."""
        if depth > MAX_DEPTH:
            raise self.fault(f"is nested deeper than {MAX_DEPTH} levels")
        branches = [self._sequence(depth)]
        while self._takes("|"):
            branches.append(self._sequence(depth))
        return "|".join(text for text, _ in branches), sum(size for _, size in branches)

    def fault(self, what: str) -> Invalid:
        """What is wrong with the character before the place reached."""
        return Invalid(self._at, f"{what} (character {max(1, self._place)} of {self._pattern[:100]!r})")

    def _sequence(self, depth: int) -> tuple[str, int]:
        found, total = "", 0
        while not self.ended and self._pattern[self._place] not in "|)":
            text, size = self._repeated(*self._atom(depth))
            found, total = found + text, total + size
            if total > MAX_SIZE:
                raise self.fault(f"stands for more than {MAX_SIZE} characters; repeat less")
        return found, total

    def _atom(self, depth: int) -> tuple[str, int]:
        match character := self._next():
            case "(":
                if self._takes("?"):
                    raise self.fault("opens a group that is more than a group; write (…)")
                text, size = self.choice(depth + 1)
                if not self._takes(")"):
                    raise self.fault("lacks a closing parenthesis")
                if not text:
                    # DuckDB takes what stands before an empty group for the end of the text.
                    raise self.fault("closes a group that holds nothing; leave it out")
                return f"(?:{text})", size + 1
            case "[":
                return self._set(), 1
            case ".":
                return r"[^\n]", 1
            case "^" | "$":
                if not self.ended and self._pattern[self._place] in "*+?{":
                    raise self.fault("repeats an end of the text")
                return character, 1
            case "*" | "+" | "?" | "{":
                raise self.fault(f"repeats nothing; write \\{character} for the character")
            case "\\":
                escaped = self._escaped()
                return (f"[{_CLASSES[escaped]}]", 1) if escaped in _CLASSES else (_literal(escaped), 1)
            case _:
                return _literal(character), 1

    def _repeated(self, text: str, size: int) -> tuple[str, int]:
        """What was just read, as often as what follows says."""
        if self.ended or self._pattern[self._place] not in "*+?{":
            return text, size
        how = self._next()
        if how == "{":
            how, times = self._bounds()
            size *= times
        if not self.ended and self._pattern[self._place] in "*+?{":
            self._next()
            raise self.fault("repeats a repetition; put parentheses around the first")
        return text + how, size

    def _bounds(self) -> tuple[str, int]:
        least = self._number()
        if least is None:
            raise self.fault("begins a repetition without a number; write \\{ for the character")
        most: int | None = least
        if self._takes(","):
            most = self._number()
        if not self._takes("}"):
            raise self.fault("lacks a closing brace; write \\{ for the character")
        if max(least, most or 0) > MAX_REPEATS:
            raise self.fault(f"repeats more than {MAX_REPEATS} times")
        if most is not None and most < least:
            raise self.fault("repeats at least more often than at most")
        how = f"{{{least}}}" if most == least else f"{{{least},{'' if most is None else most}}}"
        return how, max(1, least + 1 if most is None else most)

    def _number(self) -> int | None:
        digits = ""
        while not self.ended and self._pattern[self._place] in "0123456789":
            digits += self._next()
        return int(digits) if digits else None

    def _set(self) -> str:
        """A set of characters, behind its opening bracket."""
        found = "^" if self._takes("^") else ""
        first = True
        while first or not self._takes("]"):
            first = False
            low, text = self._member()
            if self._ranging():
                self._next()
                high, end = self._member()
                if not low or not high or low > high:
                    raise self.fault("ends a range that runs from no character to a later one")
                text = f"{text}-{end}"
            found += text
        return f"[{found}]"

    def _ranging(self) -> bool:
        """Whether a hyphen follows that does not end the set."""
        rest = self._pattern[self._place : self._place + 2]
        return len(rest) == 2 and rest[0] == "-" and rest[1] != "]"

    def _member(self) -> tuple[str, str]:
        """A member of a set: its character, empty for a class, and how it is written."""
        match character := self._next():
            case "\\":
                character = self._escaped()
                if character in _CLASSES:
                    return "", _CLASSES[character]
            case "[" if not self.ended and self._pattern[self._place] in ":.=":
                raise self.fault("begins a named class; use \\d, \\w or \\s, or write \\[ for the character")
        return character, _literal(character)

    def _escaped(self) -> str:
        """What follows a backslash: the letter of a class, or a character that stands for itself."""
        escaped = self._next()
        if escaped not in _CLASSES and (escaped.isalnum() or not escaped.isascii()):
            raise self.fault(f"is \\{escaped}; the escapes are \\d, \\w, \\s and those of punctuation")
        return escaped

    def _takes(self, character: str) -> bool:
        taken = self._pattern.startswith(character, self._place)
        self._place += taken
        return taken

    def _next(self) -> str:
        if self.ended:
            raise self.fault("ends too early")
        self._place += 1
        return self._pattern[self._place - 1]


def _literal(character: str) -> str:
    """A character that stands for itself; ASCII punctuation behind a backslash means that everywhere."""
    plain = character.isalnum() or not character.isascii() or not character.isprintable() or character in " _"
    return character if plain else f"\\{character}"
