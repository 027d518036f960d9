#!/usr/bin/python3
"""Runs that are killed, struck by a fault at each step, or side by side.

Whatever happens, each output is the old file or the new one, whole, and
nothing is left beside it.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = shutil.which(os.environ.get("SEGMENT_COVERAGE",
                                      HERE.parent / "segment-coverage"))
PROGRAM = os.path.abspath(PROGRAM or sys.exit("no segment-coverage"))
ENV = {"PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C",
       "ASAN_OPTIONS": "detect_leaks=0"}
PICTURES = ("ch_source_coverage.png", "ch_source_coverage.html")
TEXTS = ("report.json", "metrics.prom")
OLD = b"old\n"
SEED = 20251115
# the texts alone, of one hour, are enough where each step has a run
HOUR = ("-n", "--first-hour", "2025-11-15T23")
DIRECTORY = re.compile(rb"\bout[0-9]{4}\b")
UNTIMED = re.compile(rb"^segment_coverage_run_duration_seconds\{.*\n", re.M)
# the file system of a run with these faults has no O_TMPFILE
NO_TMPFILE = ("-e", "inject=access,faccessat,faccessat2:error=ENOENT")

tests = []
new = {PICTURES + TEXTS: {}, TEXTS: {}}     # the content of each output


def settled(name, content):
    """What all runs have in common, wherever they write, and whatever went
    wrong with their other outputs."""
    if name == "metrics.prom":
        return UNTIMED.sub(b"", content)
    if name == "report.json":
        try:
            return json.loads(content) | {"errors": []}
        except ValueError:
            return content
    return DIRECTORY.sub(b"", content)


def ok(condition, description, *notes):
    tests.append(bool(condition))
    print(f"{'ok' if condition else 'not ok'} {len(tests)} - {description}",
          flush=True)
    if not condition:
        for note in notes:
            print(f"# {description}: {str(note)[:400]}", file=sys.stderr)


class Place:
    """A directory of outputs, made afresh with the old files in it."""

    count = 0

    def __init__(self, root, names):
        Place.count += 1
        self.dir = root / "b" / f"out{Place.count:04d}"
        self.names = names
        self.dir.mkdir()
        for name in names:
            (self.dir / name).write_bytes(OLD)

    def command(self):
        """The program, so that its system calls are always the same ones."""
        pictures = ("--make-page", "--node", "n=https://n.example")
        return (PROGRAM, "-b", "b", "--output-dir", self.dir.name, "-j", "1",
                "-f", "json", "-r", f"b/{self.dir.name}/report.json",
                "-m", f"b/{self.dir.name}/metrics.prom",
                "--now", "2025-11-16",
                *(HOUR if self.names == TEXTS else pictures), "ch")

    def state(self):
        """For each output "old", "new" or "torn"."""
        states = {}
        for name in self.names:
            content = (self.dir / name).read_bytes()
            states[name] = (
                "old" if content == OLD else
                "new" if settled(name, content) == new[self.names][name] else
                "torn")
        return states

    def left(self):
        return sorted(set(os.listdir(self.dir)) - set(self.names))

    def remove(self):
        shutil.rmtree(self.dir)


def run(*command, **options):
    return subprocess.run(command, env=ENV, stdin=subprocess.DEVNULL,
                          capture_output=True, **options)


def strace(trace, faults, command):
    return run("strace", "-f", "-e", "quiet=all", "-o", trace, *faults,
               *command)


def archive(root):
    rng = random.Random(SEED)
    for hour in range(24):
        path = root / "b/ch/source" / f"2025-11-15T{hour:02d}"
        path.mkdir(parents=True)
        for at in range(0, 3600, 30):
            kind = rng.choices(("full", "suspect", "partial"), (8, 1, 1))[0]
            length = rng.choices((30, 28), (9, 1))[0]
            name = f"{at // 60:02d}:{at % 60:02d}-{length}.0"
            (path / f"{name}-{kind}-Hash.ts").touch()


def undisturbed(root, names):
    """A run that all others are compared with. Returns how long it takes."""
    lasted = []
    place = Place(root, names)
    for _ in range(3):
        begun = time.monotonic()
        done = run(*place.command())
        lasted.append(time.monotonic() - begun)
    ok(done.returncode == 0 and not done.stdout + done.stderr,
       "an undisturbed run", done)
    for name in names:
        content = (place.dir / name).read_bytes()
        ok(content != OLD, f"{name} is written")
        new[names][name] = settled(name, content)
    ok(not place.left(), "nothing is left", place.left())
    place.remove()
    return min(lasted)


def random_moments(root, lasted, signals, count, what):
    """Kills runs at random moments. Returns where, and what was left."""
    rng = random.Random(SEED)
    place = Place(root, PICTURES + TEXTS)
    killed, torn, statuses, left = 0, [], [], []
    for i in range(count):
        process = subprocess.Popen(place.command(), env=ENV,
                                   stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, lasted * 1.1))
        sig = signals[i % len(signals)]
        process.send_signal(sig)
        status = process.wait()
        killed += status == -sig
        if status not in (-sig, 0):
            statuses.append(status)
        torn += [state for state in place.state().items()
                 if state[1] == "torn"]
        left += place.left()
    ok(killed > count // 10, f"{what}: met the run", killed)
    ok(not statuses, f"{what}: it dies of the signal", statuses)
    ok(not torn, f"{what}: files are whole", torn)
    return place, left


def steps(trace):
    """The calls from the first output on, each as name and how manieth. What
    the C library asks for by itself is not always asked for."""
    counts = collections.Counter()
    found = []
    for line in pathlib.Path(trace).read_text().splitlines():
        call = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if call is None:
            continue
        counts[call[1]] += 1
        if found or "b/out" in line and call[1] == "openat":
            found.append((call[1], counts[call[1]]))
    return [step for step in found
            if step[0] not in ("exit_group", "brk", "mmap", "munmap", "getrandom",
                                "clock_gettime")]


def each(root, faults, jobs, judge):
    """Runs the program once for each job, (what, fault); judge says what is
    wrong with a run, or nothing."""
    def one(job):
        what, fault = job
        place = Place(root, TEXTS)
        trace = root / f"trace.{place.dir.name}"
        done = strace(trace, (*faults, "-e", f"inject={fault}"),
                      place.command())
        wrong = judge(what, done, place, trace.read_text())
        trace.unlink()
        place.remove()
        return f"{fault}: {wrong}, {done.stderr}" if wrong else None

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [wrong for wrong in pool.map(one, jobs) if wrong]


def each_signal(root, mode, faults, at):
    """A signal at each step: death by it, and nothing left behind."""
    names = ("SIGTERM", "SIGINT", "SIGHUP")
    jobs = [(getattr(signal, names[i % 3]), f"{call}:signal={names[i % 3]}"
             f":when={n}") for i, (call, n) in enumerate(at)]

    def judge(sig, done, place, _):
        states = place.state()
        if done.returncode != -sig:
            return f"status {done.returncode}"
        if "torn" in states.values() or place.left():
            return f"{states} {place.left()}"
        return None

    wrong = each(root, faults, jobs, judge)
    ok(jobs and not wrong, f"{mode}: a signal at each of {len(jobs)} steps",
       *wrong[:9])


def each_kill(root, mode, faults, at):
    """SIGKILL at each step: whole files, and the next run cleans up."""
    jobs = [(None, f"{call}:signal=SIGKILL:when={n}") for call, n in at
            if call in ("openat", "flock", "write", "fchmod", "linkat",
                        "rename", "close", "link", "renameat", "renameat2")]
    lefts = []

    def judge(_, done, place, __):
        states = place.state()
        if "torn" in states.values():
            return states
        if done.returncode not in (-signal.SIGKILL, 128 + signal.SIGKILL):
            return f"status {done.returncode}"
        lefts.extend(place.left())
        again = run(*place.command())
        if again.returncode != 0 or again.stderr or place.left():
            return f"the next run: {again}, {place.left()}"
        if set(place.state().values()) != {"new"}:
            return f"the next run: {place.state()}"
        return None

    wrong = each(root, faults, jobs, judge)
    ok(jobs and not wrong, f"{mode}: SIGKILL at each of {len(jobs)} steps",
       *wrong[:9])
    ok(lefts, f"{mode}: what it leaves was there to be cleaned up")
    ok(not [name for name in lefts if name.endswith(".prom")],
       f"{mode}: and was no metrics to the collector", lefts)


# What must come of an error: "fails" (status 2, a line, the old file),
# "passes" (status 0, the new one), or either of them.
ERRORS = {
    "openat": (("EMFILE", "either"),),
    "write": (("EIO", "fails"), ("ENOSPC", "fails"), ("EINTR", "passes")),
    "fchmod": (("EPERM", "fails"),),
    "linkat": (("EACCES", "fails"), ("EEXIST", "passes")),
    "rename": (("EXDEV", "fails"), ("EACCES", "fails")),
    "close": (("EIO", "either"),),
    "fcntl": (("EMFILE", "either"),),
    "flock": (("ENOLCK", "passes"),),
    "newfstatat": (("EIO", "either"),),
    "getdents64": (("EIO", "either"),),
}


def each_error(root, mode, faults, at):
    """An error at each step: it is met, said and survived."""
    jobs = [(result, f"{call}:error={error}:when={n}") for call, n in at
            for error, result in ERRORS.get(call, ())]

    def judge(result, done, place, trace):
        states = collections.Counter(place.state().values())
        if "INJECTED" not in trace:
            return "not met"
        if states["torn"] or place.left():
            return f"{states}, {place.left()}"
        passed = (done.returncode == 0 and states["new"] == len(TEXTS) and
                  not done.stderr)
        failed = (done.returncode == 2 and
                  done.stderr.count(b"\n") == max(states["old"], 1))
        if (result == "fails" and not (failed and states["old"]) or
                result == "passes" and not passed):
            return f"{result} not: status {done.returncode}, {states}"
        return None if passed or failed else f"{done.returncode}, {states}"

    wrong = each(root, faults, jobs, judge)
    ok(jobs and not wrong, f"{mode}: an error at each step, {len(jobs)} runs",
       *wrong[:9])


def each_step(root):
    for mode, faults in (("O_TMPFILE", ()), ("mkostemp", NO_TMPFILE)):
        place = Place(root, TEXTS)
        trace = root / f"trace.{mode}"
        strace(trace, faults, place.command())
        named = [line for line in trace.read_text().splitlines()
                 if "O_EXCL" in line and ".segment-coverage." in line]
        ok(bool(named) == bool(faults),
           f"{mode}: the way it is written")
        at = steps(trace)
        ok(set(place.state().values()) == {"new"} and not place.left() and
           {"write", "rename", "close"} <= {call for call, _ in at},
           f"{mode}: reference run", place.state(), place.left(), at)
        each_signal(root, mode, faults, at)
        each_kill(root, mode, faults, at)
        each_error(root, mode, faults, at)


def side_by_side(root, what, count, commands):
    """Runs at once into one place, while a reader reads all the time."""
    place = Place(root, PICTURES + TEXTS)
    reads, torn, failed, moved = 0, [], [], 0
    for _ in range(3):
        runs = [subprocess.Popen(commands(place, i), env=ENV,
                                 stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT)
                for i in range(count)]
        inode = os.stat(place.dir / TEXTS[0]).st_ino
        while any(process.poll() is None for process in runs):
            torn += [s for s in place.state().items() if s[1] == "torn"]
            reads += 1
        moved += os.stat(place.dir / TEXTS[0]).st_ino != inode
        for process in runs:
            said = process.communicate()[0]
            if process.returncode != 0 or said:
                failed.append((process.returncode, said))
    ok(not failed, f"{what}: all is well with each", *failed[:9])
    ok(reads > 3 and moved and not torn, f"{what}: no reader sees a torn file",
       reads, moved, torn)
    ok(set(place.state().values()) == {"new"}, f"{what}: whole files",
       place.state())
    ok(not place.left(), f"{what}: nothing is left", place.left())
    place.remove()


def other_targets(root):
    """Runs at once with targets of their own in one directory."""
    place = Place(root, TEXTS)
    runs = []
    for i in range(10):
        command = (PROGRAM, *HOUR, "-b", "b", "--now", "2025-11-16", "-m",
                   f"b/{place.dir.name}/{i}.prom", "-f", "none", "ch")
        runs.append(subprocess.Popen(command, env=ENV))
    ok(not any([process.wait() for process in runs]), "ten targets: status 0")
    contents = {settled("metrics.prom",
                        (place.dir / f"{i}.prom").read_bytes())
                for i in range(10)}
    ok(contents == {new[TEXTS]["metrics.prom"]}, "ten targets: whole files")
    ok(place.left() == [f"{i}.prom" for i in range(10)],
       "ten targets: nothing is left", place.left())
    place.remove()


def main():
    root = pathlib.Path(tempfile.mkdtemp(prefix="coverage-test."))
    os.chdir(root)
    try:
        archive(root)
        lasted = undisturbed(root, PICTURES + TEXTS)
        undisturbed(root, TEXTS)
        place, left = random_moments(root, lasted,
                                     (signal.SIGTERM, signal.SIGINT), 100,
                                     "SIGTERM and SIGINT at random moments")
        ok(not left, "SIGTERM and SIGINT: nothing is left", left)
        place.remove()
        place, left = random_moments(root, lasted, (signal.SIGKILL,), 60,
                                     "SIGKILL at random moments")
        done = run(*place.command())
        ok(done.returncode == 0 and not done.stderr, "the next run is well",
           done)
        ok(not place.left(), "and leaves no more than it should",
           place.left())
        place.remove()

        each_step(root)
        side_by_side(root, "two at once", 2, lambda p, i: p.command())
        side_by_side(root, "ten at once", 10, lambda p, i: p.command())
        side_by_side(root, "four at once, mkostemp", 4, lambda p, i: (
            "strace", "-f", "-e", "quiet=all", "-o", f"{root}/trace.{i}",
            "-e", "trace=access,faccessat,faccessat2", *NO_TMPFILE,
            *p.command()))
        other_targets(root)
    finally:
        os.chdir("/")
        shutil.rmtree(root)
    print(f"1..{len(tests)}")
    return not all(tests)


if __name__ == "__main__":
    raise SystemExit(main())
