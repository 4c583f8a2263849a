"""Removal of blanks (spaces and tabs) around the fields of delimited text, block by block."""

from __future__ import annotations

import re

__all__ = ["QuoteWatch", "Trimmer", "trimmed"]

_HELD = 1 << 20  # bytes at the end of a block that wait for the next one, at most
_ROUNDS = 16
_CLOSE = re.compile(rb'[^"]*+(?:""[^"]*+)*+"')
_QUOTED = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')


class Trimmer:
    """Takes away the blanks beside separators and line breaks that are not in quotes.

    A field is in quotes if its first byte that is not blank is a quote. What is in the quotes stays as it is, and so do
    blanks within a field. A separator is no blank.

    Examples
    --------
    >>> Trimmer(b",", quoted=True).feed(b'5, " Heat, The " ,a b\\n', final=True)
    b'5," Heat, The ",a b\\n'
    """

    def __init__(self, separator: bytes, *, quoted: bool) -> None:
        self._ends = separator + b"\r\n"
        self._blanks = b" \t".replace(separator, b"")
        ends, blanks = re.escape(self._ends), re.escape(self._blanks)
        self._field = re.compile(rb'([%b][%b]*+)("[^"]*+(?:""[^"]*+)*+(?:"|\Z))' % (ends, blanks)) if quoted else None
        self._edge = re.compile(rb"(?<![%b])[%b]++(?=[%b])|(?<=[%b])[%b]++" % (blanks, blanks, ends, ends, blanks))
        self._before = b"\n"  # what stands before the next byte: an end of a field, or "x" for anything else
        self._tail = b""
        self._inside = False  # quotes

    def feed(self, data: bytes, *, final: bool) -> bytes:
        """The next bytes, trimmed; the last blanks and quotes of a block wait for what follows them."""
        data = self._tail + data
        kept = data if final else data.rstrip(self._blanks + b'"')
        if len(data) - len(kept) > _HELD:
            kept = data
        self._tail = data[len(kept) :]
        closed = b""
        if self._inside:
            close = _CLOSE.match(kept)
            if close is None:
                return kept
            closed, kept = close[0], kept[close.end() :]
            self._inside, self._before = False, b"x"
        if not kept:
            return closed
        text = self._before + kept
        out = (self._trim(text) if self._field is None or b'"' not in text else self._around_quotes(text))[1:]
        if out:
            self._before = out[-1:] if out[-1:] in self._ends and not self._inside else b"x"
        return closed + out

    def _around_quotes(self, text: bytes) -> bytes:
        assert self._field is not None
        parts = self._field.split(text)
        fields = parts[2::3]
        between = [a + b for a, b in zip(parts[::3], parts[1::3], strict=False)] + parts[-1:]
        if fields:
            self._inside = _QUOTED.fullmatch(fields[-1]) is None
        mark = next((bytes([k]) for k in (*range(1, 9), *range(14, 32)) if bytes([k]) not in text + self._ends), b"")
        trimmed = self._trim(mark.join(between)).split(mark) if mark else [self._trim(part) for part in between]
        fields.append(b"")
        return b"".join(part for pair in zip(trimmed, fields, strict=True) for part in pair)

    def _trim(self, text: bytes) -> bytes:
        pairs = [
            (pair, bytes([end]))
            for end in self._ends
            for blank in self._blanks
            for pair in (bytes([end, blank]), bytes([blank, end]))
        ]
        for _ in range(_ROUNDS):  # as long as few blanks stand side by side, this is ten times as fast as the pattern
            size = len(text)
            for pair, end in pairs:
                text = text.replace(pair, end)
            if len(text) == size:
                return text
        return self._edge.sub(b"", text)


class QuoteWatch:
    """Lets bytes through and sees whether blanks stand before a quote that begins a field."""

    def __init__(self, separator: bytes) -> None:
        self._blanks = b" \t".replace(separator, b"")
        self._begin = re.compile(rb'[%b\r\n][%b]+"' % (re.escape(separator), re.escape(self._blanks)))
        before = re.escape(separator + b"\r\n" + self._blanks)
        self._signs = {  # begin with two fixed bytes, which is five times as fast as a pattern that begins with a class
            bytes([blank]): re.compile(rb'%b"(?<=[%b]%b")' % (bytes([blank]), before, bytes([blank])))
            for blank in self._blanks
        }
        self._edge = b"\n"
        self.seen = False

    def feed(self, data: bytes, *, final: bool) -> bytes:
        """The same bytes."""
        del final
        if b'"' in data and not self.seen:
            self.seen = self._begins(self._edge + data)
        stripped = data.rstrip(self._blanks)
        self._edge = data[max(len(stripped) - 1, 0) :] if stripped else self._edge + data
        return data

    def _begins(self, text: bytes) -> bool:
        """Whether blanks stand between an end of a field and a quote."""
        near = any(blank in text and sign.search(text) for blank, sign in self._signs.items())
        return near and self._begin.search(text) is not None


def trimmed(text: str, separator: str) -> str:
    """A whole text without the blanks beside separators.

    Examples
    --------
    >>> trimmed("1 :: Heat", "::"), trimmed('1\\t " a"', "\\t")
    ('1::Heat', '1\\t" a"')
    """
    if len(separator) > 1:
        return re.sub(rf"[ \t]*({re.escape(separator)}|[\r\n]|\A|\Z)[ \t]*", r"\1", text)
    raw = text.encode("utf-8", "surrogateescape")
    done = Trimmer(separator.encode(), quoted=separator != "\x1f").feed(raw, final=True)
    return done.decode("utf-8", "surrogateescape")
