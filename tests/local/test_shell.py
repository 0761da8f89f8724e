"""Quoting and wrapping, tried out in every shell that is installed here."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.tasks.base import Effect, Run
from hostpool.tasks.shell import (
    NO_CHDIR,
    Invocation,
    NeedsShell,
    any_shell,
    in_words,
    invocation,
    is_variable_name,
    one_line,
    quote,
)

POSIX = [
    words for words in (["dash"], ["bash"], ["busybox", "sh"], ["ksh"], ["zsh"]) if shutil.which(words[0])
]
LOGIN = [*POSIX, *([name] for name in ("tcsh", "csh", "fish") if shutil.which(name))]

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
nasty = st.text("'\"\\$`!*? \t\n#;&|<>(){}[]~%^=-a0é", max_size=30)
anything = words | nasty


def ran(shell: list[str], call: Invocation, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*shell, "-c", call.command], input=call.head + stdin, capture_output=True, timeout=20
    )


def request(**fields: object) -> Run:
    return Run(effect=Effect.CHANGE, **fields)  # type: ignore[arg-type]  # each test names its own


@pytest.mark.parametrize("shell", POSIX, ids=" ".join)
class TestQuoting:
    @settings(max_examples=30, deadline=None)
    @given(texts=st.lists(anything, min_size=1, max_size=8))
    def test_a_quoted_word_is_that_word(self, shell: list[str], texts: list[str]) -> None:
        program = "printf '%s\\0' " + " ".join(quote(text) for text in texts)
        done = subprocess.run([*shell, "-c", program], capture_output=True, timeout=20)
        assert done.stdout == b"".join(text.encode() + b"\0" for text in texts)

    @settings(max_examples=20, deadline=None)
    @given(text=anything)
    def test_one_line_is_one_line_and_means_the_same(self, shell: list[str], text: str) -> None:
        program = f"printf '%s' {quote(text)}\nexit 3"
        line = one_line(program)
        assert "\n" not in line
        done = subprocess.run([*shell, "-c", line], capture_output=True, timeout=20)
        assert (done.returncode, done.stdout) == (3, text.encode())


@pytest.mark.parametrize("shell", LOGIN, ids=" ".join)
class TestLoginShells:
    @settings(max_examples=15, deadline=None)
    @given(args=st.lists(anything, max_size=4), value=anything, stdin=st.binary(max_size=200))
    def test_a_program(self, shell: list[str], args: list[str], value: str, stdin: bytes) -> None:
        text = "for each; do printf '%s\\0' \"$each\"; done\nprintf '%s\\0' \"$VALUE\"\ncat\nexit 7"
        call = invocation(
            request(program=text, args=tuple(args), env=(("VALUE", value),), chdir="/"), shell=True
        )
        done = ran(shell, call, stdin)
        expected = b"".join(each.encode() + b"\0" for each in [*args, value]) + stdin
        assert (done.returncode, done.stdout, done.stderr) == (7, expected, b"")

    @settings(max_examples=15, deadline=None)
    @given(value=anything)
    def test_in_words(self, shell: list[str], value: str) -> None:
        done = ran(shell, Invocation(in_words(f"printf '%s' {quote(value)}; cat; exit 4").encode()), b"rest")
        assert (done.returncode, done.stdout) == (4, value.encode() + b"rest")

    def test_a_command_with_a_directory_runs_in_the_login_shell(
        self, shell: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SHELL", "/bin/sh")
        done = ran(shell, invocation(request(command="pwd; echo $0; exit 2", chdir="/usr"), shell=True))
        assert (done.returncode, done.stdout) == (2, b"/usr\n/bin/sh\n")

    def test_no_such_directory(self, shell: list[str]) -> None:
        done = ran(shell, invocation(request(command="echo never", chdir="/none/such"), shell=True))
        assert (done.returncode, done.stdout) == (NO_CHDIR, b"")

    def test_a_directory_with_a_dash(self, shell: list[str], tmp_path: object) -> None:
        done = ran(shell, invocation(request(command="true", chdir="-P"), shell=True))
        assert done.returncode == NO_CHDIR


def test_bytes_that_are_no_utf8_pass() -> None:
    call = invocation(request(program="printf '%s' \"$1\"", args=("\udcff\udcfe",)), shell=True)
    assert ran(["dash"], call).stdout == b"\xff\xfe"


def test_a_plain_command_is_not_touched() -> None:
    text = "echo 'a  b' | wc -c; exit 3"
    assert invocation(request(command=text), shell=True) == Invocation(text.encode())
    assert invocation(request(command=text, raw=True), shell=False) == Invocation(text.encode())


@pytest.mark.parametrize("fields", [{"chdir": "/"}, {"env": (("A", "b"),)}, {"program": "true"}])
def test_a_host_without_a_shell(fields: dict[str, object]) -> None:
    with pytest.raises(NeedsShell, match="hostpool_shell: none"):
        invocation(request(**fields), shell=False)
    with pytest.raises(NeedsShell, match="--raw"):
        invocation(request(raw=True, **fields), shell=True)


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "É", "A\n"])
def test_names_that_no_variable_has(name: str) -> None:
    assert not is_variable_name(name)
    with pytest.raises(ValueError, match="not a name"):
        invocation(request(command="true", env=((name, "x"),)), shell=True)


def test_nul_is_refused() -> None:
    for text in ("quote", "line"):
        with pytest.raises(ValueError, match="NUL"):
            (quote if text == "quote" else one_line)("a\0b")


@pytest.mark.parametrize("shell", LOGIN, ids=" ".join)
class TestAnyShell:
    @settings(max_examples=30, deadline=None)
    @given(args=st.lists(anything | st.text("a'\\!\n $`\"~%@{}^=-", max_size=12), max_size=5))
    def test_words_are_those_words_or_there_is_no_line(self, shell: list[str], args: list[str]) -> None:
        program = 'printf "%s," "$0" "$@"; cat; exit 7'
        line = any_shell(["/bin/sh", "-c", program, *args])
        if line:
            done = ran(shell, Invocation(f"printf 'before\\n'; {line}".encode()), b"rest")
            expected = "".join(f"{each}," for each in args or ["/bin/sh"]).encode()
            assert (done.returncode, done.stdout, done.stderr) == (7, b"before\n" + expected + b"rest", b"")
        else:
            assert any(
                set(each) & set("'\\!") or not each.isprintable() or not each.isascii() for each in args
            )


def test_what_is_no_line_for_every_shell() -> None:
    assert any_shell(["echo", "a b", "$HOME", "*"]) == "exec echo 'a b' '$HOME' '*'"
    for words_ in ([], ["-a", "x"], ["echo", "it's"], ["echo", "x" * 1000], ["echo", "a\nb"], ["echo", "é"]):
        assert any_shell(words_) == "", words_
