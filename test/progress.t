#!/usr/bin/python3
"""The progress line, seen in a real pseudo-terminal.

strace makes the reading of each hour slow; what the terminal then shows is
what its bytes say on a screen of 80 columns, or of fewer.
"""
import concurrent.futures
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.dont_write_bytecode = True
import tap

PROGRAM = os.path.abspath(os.environ.get(
    'SEGMENT_COVERAGE',
    os.path.join(sys.path[0], '..', 'segment-coverage')))
WIDTH = 80
LINE = re.compile(r'^(?P<what>\S+): (?P<done>\d+) of (?P<all>\d+) hours, '
                  r'(?P<segments>\d+) segments$')


class Screen:
    """What a terminal shows of the bytes written to it."""

    def __init__(self, width):
        self.width = width
        self.rows = [' ' * width]
        self.column = 0
        self.seen = []      # the row of the cursor, each time it was left

    def write(self, data):
        for char in data.decode('utf-8', 'replace'):
            if char in '\r\n':
                self.seen.append(self.rows[-1].rstrip())
                self.column = 0
                if char == '\n':
                    self.rows.append(' ' * self.width)
            else:
                if self.column == self.width:
                    self.rows.append(' ' * self.width)
                    self.column = 0
                row = self.rows[-1]
                self.rows[-1] = (row[:self.column] + char
                                 + row[self.column + 1:])
                self.column += 1

    def text(self):
        return [row.rstrip() for row in self.rows]

    def progress(self):
        """The progress lines that were shown, one after the other."""
        return [match for match in map(LINE.match, self.seen) if match]


class Run:
    """The program in a directory; terminals: of stdout, stderr or both."""

    def __init__(self, base, *options, terminals, delay=0.1, width=WIDTH):
        command = [PROGRAM, '-n', '--now', '2025-11-16', *options]
        if delay:
            command = ['strace', '-f', '-qqq', '-o', '/dev/null',
                       '-E', 'ASAN_OPTIONS=detect_leaks=0',
                       '-e', 'trace=getdents64', '-e',
                       'inject=getdents64:delay_enter=%d' % (delay * 1e6),
                       *command]
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack('4H', 24, width, 0, 0))
        # raw, as far as output goes: no \n becomes \r\n
        mode = termios.tcgetattr(slave)
        mode[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        read_end, write_end = os.pipe()
        start = time.monotonic()
        process = subprocess.Popen(
            command, cwd=base, stdin=subprocess.DEVNULL,
            stdout=slave if 'stdout' in terminals else write_end,
            stderr=slave if 'stderr' in terminals else write_end,
            env={'PATH': os.environ['PATH'], 'LC_ALL': 'C', 'TERM': 'xterm'})
        os.close(slave)
        os.close(write_end)
        self.first = None   # seconds until the terminal's first byte
        self.terminal, self.pipe = b'', b''
        ends = {master, read_end}
        while ends:
            for end in select.select(ends, [], [])[0]:
                try:
                    data = os.read(end, 65536)
                except OSError:     # a terminal ends so
                    data = b''
                if not data:
                    ends.remove(end)
                    os.close(end)
                elif end == master:
                    if self.first is None:
                        self.first = time.monotonic() - start
                    self.terminal += data
                else:
                    self.pipe += data
        self.status = process.wait()
        self.screen = Screen(width)
        self.screen.write(self.terminal)


def archive(base, channel, hours, name='source'):
    for hour in range(hours):
        path = os.path.join(base, channel, name, '2025-11-15T%02d' % hour)
        os.makedirs(path)
        for second in range(0, 60, 20):
            with open('%s/00:%02d-20.0-full-Hash.ts' % (path, second), 'w'):
                pass


def slow(run):
    shown = run.screen.progress()
    tap.same(run.status, 0, 'slow: exit status 0')
    tap.ok(run.first is not None and run.first >= 1,
           'slow: nothing for a second', run.first)
    tap.ok(len(shown) >= 3, 'slow: then lines of progress', run.screen.seen)
    tap.ok(all(line['what'] == 'ch/source' and line['all'] == '18'
               for line in shown), 'slow: channel, quality, all hours',
           run.screen.seen)
    tap.ok(all(int(line['segments']) == 3 * int(line['done'])
               for line in shown), 'slow: segments of the hours that are done',
           run.screen.seen)
    done = [int(line['done']) for line in shown]
    tap.ok(done == sorted(set(done)) and done and done[0] > 1
           and done[-1] <= 18, 'slow: ever more hours', done)
    tap.same(run.screen.text(), [''], 'slow: wiped at the end')
    tap.same(run.screen.column, 0, 'slow: the cursor is back at the margin')
    tap.ok(b'\n' not in run.terminal, 'slow: one line')
    tap.same(run.pipe, b'', 'slow: nothing on stdout')


def messages(run):
    """A line about an hour does not mix with the progress line."""
    tap.same(run.status, 2, 'messages: exit status 2')
    tap.ok(len(run.screen.progress()) >= 3, 'messages: progress is shown',
           run.screen.seen)
    tap.same(run.screen.text(), [
        'segment-coverage: ./tr/source/2025-11-15T09: Too many levels of '
        'symbolic links', ''], 'messages: the line stands alone')
    tap.ok(run.pipe.startswith(b'NOT COMPLETE'),
           'messages: stdout has the report', run.pipe)
    tap.ok(b' hours, ' not in run.pipe and b'\r' not in run.pipe,
           'messages: and no progress', run.pipe)


def names(run):
    """What a channel's name does to a terminal."""
    rows = [row for row in run.screen.seen if row]
    tap.ok(rows and all(row.startswith('ch\\x1b[2J\\x0a\\xc3\\xa9xxx')
                        and len(row) < run.screen.width for row in rows),
           'names: escaped and cut to a line', rows)
    tap.same(run.screen.text(), [''], 'names: wiped')
    tap.ok(set(run.terminal) <= set(b'\r' + bytes(range(0x20, 0x7f))),
           'names: no byte that a terminal acts on', run.terminal)


def several(run):
    """Each quality in turn, those that come after a second too."""
    shown = run.screen.progress()
    tap.same({line['what'] for line in shown}, {'two/source', 'two/480p'},
             'several: each quality')
    last = [line for line in shown if line['what'] == 'two/480p'][-1:]
    tap.same([(line['all'], int(line['segments']) - 3 * int(line['done']))
              for line in last], [('9', 27)],
             'several: its own hours, the segments of all')
    tap.same(run.screen.text(), [''], 'several: wiped')


def asking(run):
    """The database is waited for; what it says comes on a line alone."""
    tap.same(run.status, 2, 'asking: exit status 2')
    tap.ok(any(row.startswith('asking the database for the nodes')
               for row in run.screen.seen), 'asking: it is said',
           run.screen.seen)
    tap.ok(all(len(row) < run.screen.width for row in run.screen.seen[:2]),
           'asking: within the width', run.screen.seen)
    tap.ok(''.join(run.screen.text()).startswith(
        'segment-coverage: database: '), 'asking: and wiped',
           run.screen.text())


def nothing(run, why):
    tap.same((run.status, run.terminal, run.pipe), (0, b'', b''),
             'nothing: ' + why)


def main():
    if not os.access(PROGRAM, os.X_OK):
        print('Bail out! no program: ' + PROGRAM)
        return 1
    if shutil.which('strace') is None:
        print('1..0 # skip no strace here')
        return 0
    evil = 'ch\033[2J\n\xe9' + 'x' * 60
    with tempfile.TemporaryDirectory(prefix='coverage-test.') as base, \
            concurrent.futures.ThreadPoolExecutor() as pool:
        archive(base, 'ch', 18)
        archive(base, 'tr', 18)
        archive(base, 'two', 9)
        archive(base, 'two', 9, '480p')
        archive(base, evil, 18)
        loop = os.path.join(base, 'tr/source/2025-11-15T09')
        shutil.rmtree(loop)
        os.symlink(loop, loop)

        def start(*options, terminals, delay=0.1, width=WIDTH):
            return pool.submit(Run, base, '-j', '1', *options,
                               terminals=terminals, delay=delay, width=width)

        quiet = '-f', 'none'
        runs = [
            (slow, start(*quiet, 'ch', terminals={'stderr'})),
            (messages, start('-v', 'tr', terminals={'stderr'})),
            (several, start(*quiet, '-q', 'source,480p', 'two',
                            terminals={'stderr'})),
            (names, start(*quiet, evil, terminals={'stderr'})),
            (names, start(*quiet, evil, terminals={'stderr'}, width=50)),
        ]
        for width in WIDTH, 40:
            runs.append((asking, start(
                *quiet, '--make-page', '--connection-string',
                'host=127.0.0.1 port=1', 'ch', terminals={'stderr'}, delay=0,
                width=width)))
        for why, terminals, delay in (
                ('neither is a terminal', set(), 0.1),
                ('only stdout is a terminal', {'stdout'}, 0.1),
                ('it took less than a second', {'stdout', 'stderr'}, 0)):
            runs.append((lambda run, why=why: nothing(run, why), start(
                *quiet, 'ch', terminals=terminals, delay=delay)))
        for judge, run in runs:
            judge(run.result())
    return tap.done()


sys.exit(main())
