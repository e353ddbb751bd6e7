"""The text of a Python file, by the rules that Python itself reads it by."""

import codecs
import io
import tokenize
from importlib.util import decode_source

MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""Byte order marks, the longer ones first: that of UTF-16 begins that of UTF-32."""
OLD = {"cp1252": "Windows-1252", "mac_roman": "Mac Roman", "cp850": "the code page 850"}
"""Encodings of one byte a letter that editors still write, the likeliest first."""
OF_HOSTS = ("punycode", "idna")
"""Encodings that take quadratic time: 300 kB took 20 seconds, each time they were read."""
PUNCTUATION = frozenset("„“”‚‘’«»–—…°§€£")


def text_of(content: bytes) -> str:
    """Return the text by its byte order mark, or the encoding that it names; else by UTF-8.

    What is not in that encoding is replaced: `fault` says that it is so.
    """
    try:
        return _decoded(content)
    except (SyntaxError, ValueError, LookupError):
        return content.decode("utf-8", "replace")


def fault(content: bytes) -> str:
    """Return why Python cannot read a module's text, and what it looks like; '' if it can."""
    for mark, name in MARKS.items():
        if content.startswith(mark):
            return f"it is {name}"
    if b"\0" in content:
        return _of_null_bytes(content)
    try:
        _decoded(content)
    except UnicodeDecodeError as error:
        return _of_byte(content, error)
    except (SyntaxError, ValueError, LookupError) as error:
        try:
            content.decode()  # where it names no encoding at all, the byte that is not UTF-8 counts
        except UnicodeDecodeError as byte:
            return _of_byte(content, byte)
        return f"it names an encoding that it is not in: {error}"
    return ""


def _decoded(content: bytes) -> str:
    content = _with_line_feeds(content)
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    if codecs.lookup(encoding).name in OF_HOSTS:
        raise LookupError(f"{encoding} is for the names of hosts")
    return decode_source(content)


def _with_line_feeds(content: bytes) -> bytes:
    """The bytes as Python's compiler takes them: a carriage return ends a line too.

    So an encoding that is named in the line after it counts, which `decode_source` passes over.
    """
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def roughly(content: bytes) -> str:
    """Return what can be made out of a text that Python cannot read: the letters of ASCII."""
    return content.replace(b"\0", b"").decode("ascii", "ignore")


def _of_null_bytes(content: bytes) -> str:
    halves = [half.count(b"\0") for half in (content[::2], content[1::2])]
    if max(halves) > 0.4 * len(content) / 2 and min(halves) < 0.1 * max(halves):
        return "it looks like UTF-16 without a byte order mark"
    return f"line {_line(content, content.index(0))} holds a null byte"


def _of_byte(content: bytes, error: UnicodeDecodeError) -> str:
    where = f"line {_line(content, error.start)}: byte 0x{content[error.start]:02x} is not"
    name = "UTF-8" if error.encoding.startswith("utf-8") else error.encoding
    return f"{where} {name}, and it looks like {OLD[max(OLD, key=lambda old: _fit(content, old))]}"


def _line(content: bytes, at: int) -> int:
    return content.count(b"\n", 0, at) + 1


def _fit(content: bytes, encoding: str) -> int:
    """Return how many characters beyond ASCII are letters of western languages, or their quotes."""
    odd = (c for c in content.decode(encoding, "replace") if not c.isascii())
    return sum(c in PUNCTUATION or ("À" <= c <= "ÿ" and c.isalpha()) for c in odd)
