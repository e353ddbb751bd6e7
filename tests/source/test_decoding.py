"""The text of a module is what Python makes of it; what Python cannot read is said in words."""

import codecs
import re
import subprocess
import sys
from pathlib import Path

import pytest

from assay.source import decoding

CODE = "größe = 'Übung – für „alle“'  # ßäöü\n"
PLAIN = "x = 1\n"
READ = {
    "UTF-8": CODE.encode(),
    "UTF-8 with a mark": codecs.BOM_UTF8 + CODE.encode(),
    "a cookie": f"# -*- coding: cp1252 -*-\n{CODE}".encode("cp1252"),
    "a cookie below a line of the shell's": "#!/usr/bin/python\n# vim: fileencoding=latin-1 :\n"
    "größe = 'ü'\n".encode("latin-1"),
    "a cookie of a Mac": f"# coding: mac-roman\n{CODE}".encode("mac-roman"),
    "the line ends of Windows": CODE.replace("\n", "\r\n").encode(),
    "the line ends of old Macs": f"y = 2\r{CODE}".replace("\n", "\r").encode(),
    "nothing": b"",
}
READ |= {"a cookie below an empty line of a Mac": b"\r# coding: cp1252\r" + CODE.encode("cp1252")}
UNREAD = {
    "UTF-16 with a mark": (CODE.encode("utf-16"), "it is UTF-16"),
    "big-endian": (codecs.BOM_UTF16_BE + CODE.encode("utf-16-be"), "it is UTF-16"),
    "UTF-32": (CODE.encode("utf-32"), "it is UTF-32"),
    "UTF-16 without a mark": (PLAIN.encode("utf-16-le"), "looks like UTF-16 without"),
    "the same, big-endian": (PLAIN.encode("utf-16-be"), "looks like UTF-16 without"),
    "Windows": (f"a = 1\n{CODE}".encode("cp1252"), "line 2: byte 0xf6 is not UTF-8, .* Windows"),
    "a Mac": (CODE.encode("mac_roman"), "line 1: byte 0x9a is not UTF-8, .* Mac Roman"),
    "a window of DOS": ("a = 'für Größe'".encode("cp850"), "byte 0x81 .* code page 850"),
    "far below": (PLAIN.encode() * 9 + b"'\xfc'", "line 10: byte 0xfc"),
    "a null byte": (b"x = 1\ny = 2\0\n", "line 2 holds a null byte"),
    "nothing but null bytes": (b"\0" * 900, "line 1 holds a null byte"),
    "an unknown cookie": (b"# coding: utf8mb4\nx = 1\n", "names an encoding .* utf8mb4"),
    "a cookie that is no text's": (b"# coding: hex\nx = 1\n", "names an encoding"),
    "another cookie than its own": ("# coding: ascii\nx = 'ü'".encode(), "byte 0xc3 is not ascii"),
    "a mark and another cookie": (codecs.BOM_UTF8 + b"# coding: cp1252\n", "names an encoding"),
}  # fmt: skip


def python_reads(content: bytes, folder: Path) -> bool:
    """Return whether Python itself runs a file."""
    path = folder / "module.py"
    path.write_bytes(content)
    return subprocess.run([sys.executable, "-I", path], capture_output=True).returncode == 0


@pytest.mark.parametrize("content", READ.values(), ids=READ)
def test_what_python_reads_is_read_as_python_does(content: bytes, tmp_path: Path):
    """By its mark, its cookie, its line ends."""
    assert python_reads(content, tmp_path)
    assert decoding.fault(content) == ""
    if content:
        names: dict[str, str] = {}
        exec(compile(decoding.text_of(content), "module", "exec"), names)
        assert "ü" in names["größe"]


@pytest.mark.parametrize(("content", "said"), UNREAD.values(), ids=UNREAD)
def test_what_python_cannot_read_is_named(content: bytes, said: str, tmp_path: Path):
    """The encoding that it looks like, or the line and the byte; its text is no exception."""
    assert not python_reads(content, tmp_path)
    assert re.search(said, decoding.fault(content)), decoding.fault(content)
    assert isinstance(decoding.text_of(content), str)


def test_what_an_encoding_makes_of_a_comment_is_read_as_code():
    """UTF-7 writes an end of line in letters, and Python heeds a cookie below `\\r`."""
    content = b"\r# coding: utf_7\n# +AAo-import os\n"

    assert "import os" in decoding.text_of(content).splitlines()
