"""What every Session has to do, whatever it is made of. Subclasses give a ``session`` fixture."""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

import pytest

from hostpool.errors import HostError, TaskFailed
from hostpool.stop import Stop
from hostpool.tasks.base import FileSource
from hostpool.tasks.session import Session
from hostpool.tasks.shell import NO_CHDIR
from tests.patience import promptly
from tests.ssh.helpers import Counting, Output, command, program, run, stop_after, stop_when

AWKWARD = "a b'c\"d $HOME `id` \\n \\0101 !x é\tz\n*"


class SessionConformance:
    @pytest.fixture
    def terminal(self) -> None:
        """Skips where there can be no terminal."""

    def test_both_streams_and_the_exit_status(self, session: Session) -> None:
        end, output = run(session, command("echo out; echo err >&2; exit 7"))
        assert (end.exit_code, end.signal, end.stopped) == (7, None, None)
        assert (output.stdout, output.stderr) == (b"out\n", b"err\n")
        assert not end.held_open

    def test_commands_one_after_the_other(self, session: Session) -> None:
        for number in range(5):
            end, output = run(session, command(f"echo {number}"))
            assert end.exit_code == 0
            assert output.stdout == f"{number}\n".encode()
        assert session.alive

    def test_a_signal_is_told_apart_from_a_status(self, session: Session) -> None:
        end, _ = run(session, command("kill -KILL $$"))
        assert (end.exit_code, end.signal) == (None, "KILL")

    def test_a_command_not_found(self, session: Session) -> None:
        end, output = run(session, command("no-such-command-anywhere"))
        assert end.exit_code == 127
        assert output.stderr

    def test_stdin_is_empty_by_default(self, session: Session) -> None:
        end, output = run(session, command("cat; echo done"))
        assert (end.exit_code, output.stdout) == (0, b"done\n")

    def test_stdin_reaches_the_command_whole_while_its_output_is_drained(self, session: Session) -> None:
        data = bytes(range(256)) * 30_000
        end, output = run(session, command("cat", stdin=data))
        assert end.exit_code == 0
        assert hashlib.sha256(output.stdout).digest() == hashlib.sha256(data).digest()

    def test_stdin_that_nobody_reads(self, session: Session) -> None:
        end, output = run(session, command("exec <&-; echo deaf", stdin=b"x" * 5_000_000))
        assert (end.exit_code, output.stdout) == (0, b"deaf\n")

    def test_stdin_from_a_file(self, session: Session, tmp_path: Path) -> None:
        path = tmp_path / "input"
        path.write_bytes(b"line\n" * 200_000)
        end, output = run(session, command("wc -c", stdin=FileSource(str(path))))
        assert (end.exit_code, output.stdout.split()) == (0, [b"1000000"])

    def test_an_unreadable_stdin_file_fails_before_anything_is_sent(
        self, session: Session, tmp_path: Path
    ) -> None:
        with pytest.raises(TaskFailed) as caught:
            run(session, command("cat", stdin=FileSource(str(tmp_path / "none"))))
        assert caught.value.kind == "stdin_file"

    def test_both_streams_at_once_do_not_block_each_other(self, session: Session) -> None:
        text = "head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2"
        end, output = run(session, command(text))
        assert end.exit_code == 0
        assert (len(output.stdout), len(output.stderr)) == (3_000_000, 6_000_000)

    def test_output_just_before_the_end_is_not_lost(self, session: Session) -> None:
        for _ in range(5):
            _, output = run(session, command("head -c 100000 /dev/zero; exit 3"))
            assert len(output.stdout) == 100_000

    def test_environment_and_directory(self, session: Session) -> None:
        request = command('printf "%s\\n" "$GREETING"; pwd', env=(("GREETING", AWKWARD),), chdir="/")
        end, output = run(session, request)
        assert (end.exit_code, output.stdout) == (0, AWKWARD.encode() + b"\n/\n")

    def test_a_directory_that_is_not_there(self, session: Session) -> None:
        end, output = run(session, command("echo never", chdir="/no/such/directory"))
        assert (end.exit_code, output.stdout) == (NO_CHDIR, b"")
        assert b"/no/such/directory" in output.stderr

    def test_a_program_with_arguments_and_stdin(self, session: Session) -> None:
        text = "for each; do\n  printf '<%s>' \"$each\"\ndone\ncat\nexit 4\n"
        end, output = run(session, program(text, AWKWARD, "", "-n", stdin=b"the rest\0"))
        assert end.exit_code == 4
        assert output.stdout == f"<{AWKWARD}><><-n>".encode() + b"the rest\0"

    def test_a_long_program(self, session: Session) -> None:
        text = "\n".join(f": 'line {number}'" for number in range(10_000)) + "\necho end"
        end, output = run(session, program(text))
        assert (end.exit_code, output.stdout) == (0, b"end\n")

    def test_the_exact_words_with_raw(self, session: Session) -> None:
        end, output = run(session, command("printf '%s|' a 'b c'", raw=True))
        assert (end.exit_code, output.stdout) == (0, b"a|b c|")

    def test_raw_refuses_what_needs_a_wrapper(self, session: Session) -> None:
        with pytest.raises(TaskFailed) as caught:
            run(session, command("true", raw=True, chdir="/"))
        assert caught.value.kind == "no_shell"

    def test_an_impossible_variable_name(self, session: Session) -> None:
        with pytest.raises(TaskFailed):
            run(session, command("true", env=(("A B", "x"),)))

    @pytest.mark.usefixtures("terminal")
    def test_a_terminal(self, session: Session) -> None:
        end, output = run(session, command("test -t 0 && test -t 1 && echo tty; exit 5", tty=True))
        assert (end.exit_code, output.stdout) == (5, b"tty\r\n")

    @pytest.mark.usefixtures("terminal")
    def test_a_terminal_with_a_directory(self, session: Session) -> None:
        request = command("tty >/dev/null && pwd", tty=True, chdir="/", env=(("X", AWKWARD),))
        end, output = run(session, request)
        assert (end.exit_code, output.stdout) == (0, b"/\r\n")

    def test_a_child_left_behind_does_not_hold_us(self, session: Session, tmp_path: Path) -> None:
        go = tmp_path / "go"
        child = f"n=0; until [ -e {go} ] || [ $n = 900 ]; do sleep 0.1; n=$((n + 1)); done"
        with promptly():
            end, output = run(session, command(f"echo started; {{ {child}; }} & exit 0"))
        go.touch()
        assert (end.exit_code, end.held_open, output.stdout) == (0, True, b"started\n")

    def test_stopped_it_is_gone(self, session: Session) -> None:
        with promptly():
            end, _ = run(session, command("sleep 60"), stop_after(0.3))
        assert (end.stopped, end.still_running) == ("timeout", False)

    def test_stopped_it_may_clean_up(self, session: Session) -> None:
        output = Output()
        text = "trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.1; done"
        end = session.run(command(text), output, stop_when(output.came, grace=20))
        assert output.stdout == b"ready\nbye\n"
        assert (end.exit_code, end.stopped, end.still_running) == (9, "timeout", False)

    def test_stopped_against_its_will(self, session: Session, tmp_path: Path) -> None:
        output = Output()
        mark = tmp_path / "mark"
        mark.parent.chmod(0o777)
        text = f"trap '' TERM; echo ready; while :; do echo x >> {mark}; sleep 0.1; done"
        with promptly():
            end = session.run(command(text), output, stop_when(output.came, grace=0.5))
        assert (end.stopped, end.still_running) == ("timeout", False)
        size = mark.stat().st_size
        time.sleep(0.4)
        assert mark.stat().st_size == size

    def test_stopped_in_the_middle_of_endless_output(self, session: Session) -> None:
        output = Counting()
        end = session.run(command("yes"), output, stop_when(output.came, grace=0.5))
        assert (end.stopped, end.still_running) == ("timeout", False)
        assert output.total > 0

    def test_stopped_while_nobody_reads_its_stdin(self, session: Session) -> None:
        end, _ = run(session, command("sleep 60", stdin=b"x" * 5_000_000), stop_after(0.3, grace=0.5))
        assert (end.stopped, end.still_running) == ("timeout", False)

    def test_stopped_before_it_began_nothing_is_sent(self, session: Session, tmp_path: Path) -> None:
        tmp_path.chmod(0o777)
        stop = Stop()
        stop.request("cancelled", 1.0)
        try:
            end, _ = run(session, command(f"echo ran > {tmp_path}/ran"), stop)
        except HostError:
            assert not (tmp_path / "ran").exists()
        else:
            assert end.stopped == "cancelled"

    def test_a_slow_consumer_holds_the_host_back(self, session: Session) -> None:
        gate = threading.Event()

        class Slow(Counting):
            def feed(self, stream: object, data: bytes) -> None:
                gate.wait(5)
                self.total += len(data)

        output = Slow()
        threading.Timer(0.5, gate.set).start()
        end = session.run(command("head -c 20000000 /dev/zero"), output, Stop())
        assert (end.exit_code, output.total) == (0, 20_000_000)

    def test_what_a_consumer_raises_ends_the_command(self, session: Session, tmp_path: Path) -> None:
        class Broken(Output):
            def feed(self, stream: object, data: bytes) -> None:
                raise RuntimeError("consumer")

        with pytest.raises(RuntimeError, match="consumer"):
            session.run(command("echo x; sleep 0.2"), Broken(), Stop())
        end, _ = run(session, command("true"))
        assert end.exit_code == 0

    @pytest.mark.usefixtures("terminal")
    def test_a_terminal_has_an_end_of_file_too(self, session: Session) -> None:
        end, _ = run(session, command("cat >/dev/null; exit 6", tty=True, stdin=b"line\nrest"))
        assert end.exit_code == 6
