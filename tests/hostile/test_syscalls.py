"""What the filter of system calls answers, asked in a process of its own."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay.sandbox.inside import seccomp

ASK = """
import ctypes, json, os, sys
sys.path.insert(0, sys.argv[1])
import seccomp
assert seccomp.restrict()
libc = ctypes.CDLL(None, use_errno=True)
found = {}
for number in json.loads(sys.argv[2]):
    ctypes.set_errno(0)
    libc.syscall(number, -1, 0, 0, 0, 0, 0)
    found[number] = ctypes.get_errno()
print(json.dumps(found))
"""


@pytest.mark.skipif(seccomp.program() is None, reason="no filter for this machine")
def test_calls_newer_than_the_list_do_not_exist():
    """Above the highest known number, in the second set of numbers too: as if never made."""
    highest = seccomp.HIGHEST_KNOWN
    newer = [highest + 1, highest + 5, 600, 100_000, seccomp.X32 + 1, seccomp.X32 + highest + 1]
    refused = [seccomp.REFUSED["statmount"][0], seccomp.REFUSED["bpf"][0]]
    folder = str(Path(seccomp.__file__).parent)
    command = [sys.executable, "-c", ASK, folder, json.dumps([*newer, *refused])]

    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout

    found = {int(number): answer for number, answer in json.loads(said).items()}
    assert {found[number] for number in newer} == {errno.ENOSYS}
    assert {found[number] for number in refused} == {errno.EPERM}


@pytest.mark.parametrize("machine", list(seccomp.ARCHITECTURES))
def test_every_call_of_the_list_is_known(machine: str):
    """No number that is refused by name lies above the highest known."""
    column = list(seccomp.ARCHITECTURES).index(machine)

    assert max(numbers[column] for numbers in seccomp.REFUSED.values()) <= seccomp.HIGHEST_KNOWN
    assert seccomp.program(machine)
