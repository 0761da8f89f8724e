"""What stays on the screen after a run: folded results, failures with reasons, one summary line.

Everything a host wrote is indented, or follows its name and a colon; what hostpool says follows the name
without one. So no output can pass for a statement of ours.
"""

from __future__ import annotations

from hostpool.events import HostFinished, RunFinished, RunStarted, Warning
from hostpool.results import counts_of
from hostpool.views.fold import Folder, Group, diff_of, names
from hostpool.views.hunks import Hunks
from hostpool.views.neutralise import neutralise, one_line
from hostpool.views.notes import Notes
from hostpool.views.options import ViewOptions
from hostpool.views.patches import Patches
from hostpool.views.reasons import TOLD
from hostpool.views.words import STYLE, hosts_word, indented, outcome, seconds, tally
from hostpool.views.writer import Writer

SHORT = 48
"""Characters of host names before which a single line of output stands on the same line."""
BOLD, MINOR, HINT, WARN = "1", "2", "36", "33"


class Report:
    """Collects what hosts ended with and writes it once, at the end."""

    def __init__(self, options: ViewOptions, writer: Writer) -> None:
        self._options = options
        self._writer = writer
        together = options.fold and not options.no_prefix
        self._folder = Folder(together=together, text=self._clean)
        self._hunks = Hunks(together=together, text=self._clean)
        self._notes = Notes()
        self._counts = counts_of([])
        self._run = ""

    def _clean(self, text: str) -> str:
        # Masked again: dropping a host's colours may have joined the halves of a secret.
        return self._options.masker.mask(neutralise(text))

    def start(self, event: RunStarted) -> None:
        self._run = event.run
        self._folder.expect(event.hosts)

    def add(self, result: HostFinished) -> None:
        self._counts[result.status] += 1
        if self._shows(result):
            place = self._folder.add(result)
            if diff := diff_of(result):
                self._hunks.add(place, result.host, diff)

    def count(self, result: HostFinished) -> None:
        """Only counts it: what there is to say of the host is said elsewhere."""
        self._counts[result.status] += 1

    def warn(self, event: Warning) -> str:
        """What to show of a warning at once."""
        return self._notes.add(event)

    def _shows(self, result: HostFinished) -> bool:
        if not self._options.quiet or result.status not in ("ok", "changed"):
            return True
        return self._options.show_changed and result.status == "changed"

    def write(self, end: RunFinished | None) -> None:
        """Good results first, then warnings and what needs attention, each in inventory order (the
        other way round with ``bad_first``)."""
        groups = list(self._folder.groups())
        usual = self._differences(groups)
        good = [group for group in groups if group.good]
        bad = [group for group in groups if not group.good]
        first, last = (bad, good) if self._options.bad_first else (good, bad)
        patches = Patches(self._hunks, self._writer, whole=not self._options.fold)
        for group in first:
            self._block(group, usual.get(id(group)), patches)
        notes = [self._writer.paint(note, WARN) for note in self._notes.rest()]
        self._writer.write("stderr", "".join(notes))
        for group in last:
            self._block(group, usual.get(id(group)), patches)
        for text in patches.rest():
            self._writer.write("stdout", text)
        if groups or notes or not self._options.silent:
            self._writer.write("stderr", self._summary(end))
        self._writer.flush()

    def _differences(self, groups: list[Group]) -> dict[int, str]:
        if not self._options.compare:
            return {}
        from hostpool.views.compare import differences  # few runs need difflib

        return differences(groups, self._folder)

    def _block(self, group: Group, difference: str | None, patches: Patches) -> None:
        out = self._folder.text(group.stdout) if difference is None else difference
        err = self._folder.text(group.stderr)
        diff = patches.of(group.names(), bare=self._options.no_prefix)
        if self._options.no_prefix:
            self._writer.write("stdout", _ended(out) + diff)
            self._writer.write("stderr", _ended(err))
            if not group.good:
                self._writer.write("stderr", self._heading(group) + self._reason(group))
            return
        if out and group.good and not (err or diff) and _is_line(out) and len(names(group.names())) < SHORT:
            self._writer.write("stdout", f"{self._who(group)}{self._said(group)}: {_ended(out)}")
            return
        if out or diff:
            self._writer.write("stdout", self._heading(group) + indented(out) + diff)
        if err or not (out or diff) or not group.good:
            heading = "" if (out or diff) and self._writer.shared else self._heading(group)
            body = self._writer.paint(indented(err), MINOR if group.good else "")
            self._writer.write("stderr", heading + body + self._reason(group))

    def _who(self, group: Group) -> str:
        return self._writer.paint(one_line(names(group.names())), BOLD)

    def _said(self, group: Group) -> str:
        """The outcome, unless it is the usual one."""
        status = group.sample.status
        if status == "ok" and not group.sample.exit_code:
            return ""
        return " " + self._writer.paint(outcome(group.sample), STYLE[status])

    def _heading(self, group: Group) -> str:
        said = self._said(group)
        if not said and not self._folder.text(group.stdout) and not self._folder.text(group.stderr):
            said = " " + self._writer.paint("ok", STYLE["ok"])
        error = group.error()
        told = error is None or error.kind in TOLD
        message = "" if error is None or told else f": {neutralise(error.message.strip())}"
        message = message.replace("\n", "\n  ")
        return f"{self._who(group)}{said}{message}\n"

    def _reason(self, group: Group) -> str:
        error = group.error()
        if error is None or not error.hint:
            return ""
        return self._writer.paint(indented(f"hint: {neutralise(error.hint)}"), HINT)

    def _summary(self, end: RunFinished | None) -> str:
        counts = [self._writer.paint(text, STYLE[status]) for status, text in tally(self._counts)]
        line = f"{hosts_word(sum(self._counts.values()))}: {', '.join(counts) or 'nothing done'}"
        if end is None:
            line += "; the run was broken off"
        else:
            line += f" in {seconds(end.duration)}"
            if end.interrupted:
                line += f", interrupted by {one_line(end.interrupted)}"
        run = self._run or (end.run if end else "")
        return f"{line} (run {one_line(run)})\n" if run else f"{line}\n"

    def close(self) -> None:
        self._folder.close()
        self._hunks.close()


def _is_line(text: str) -> bool:
    return text.find("\n") in (-1, len(text) - 1)


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"
