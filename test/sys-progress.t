#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The progress line, as a terminal shows it. strace makes hours slow."""
import concurrent.futures
import fcntl
import os
import pty
import re
import shutil
import struct
import sys
import termios
import time

sys.dont_write_bytecode = True
import scene
import tap

SLOWLY = scene.strace(['getdents64:delay_enter=100000'])
LINE = re.compile(r'(\S+): (\d+) of (\d+) hours, (\d+) segments')
# all that may come but for text: margin, line, wipe, wrap off and on
TOKEN = re.compile(rb'\r|\n|\x1b\[K|\x1b\[\?7l|\x1b\[\?7h|[ -~]')


class Run:
    """A run whose stderr, or stdout too, is a terminal of some width."""

    def __init__(self, base, *options, both=False, delay=True, width=80):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack('4H', 24, width, 0, 0))
        mode = termios.tcgetattr(slave)
        mode[1] &= ~termios.OPOST       # no \n becomes \r\n
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        begun = time.monotonic()
        process = scene.start(
            [*(SLOWLY if delay else ()), scene.PROGRAM, '-n', '-j', '1',
             '--now', '2025-11-16', *options],
            dict(scene.TRACED, TERM='xterm'), cwd=base, stderr=slave,
            **{'stdout': slave} if both else {})
        os.close(slave)
        self.data, self.first = b'', None
        try:
            while True:
                self.data += os.read(master, 65536)
                self.first = self.first or time.monotonic() - begun
        except OSError:         # a terminal ends so
            os.close(master)
        result = scene.end(process)
        self.status, self.out = result.status, result.out
        self.show(width)

    def show(self, width):
        """What there is on the screen at the end, and what was before."""
        self.rows, self.seen, column, wrap = [''], [], 0, True
        tokens = TOKEN.findall(self.data)
        self.odd = b''.join(tokens) != self.data
        for token in tokens:
            if token in b'\r\n':
                self.seen.append(self.rows[-1].rstrip())
                column = 0
                self.rows += [''] * (token == b'\n')
            elif token == b'\x1b[K':
                self.rows[-1] = self.rows[-1][:column]
            elif len(token) > 1:
                wrap = token.endswith(b'h')
            else:
                if column == width and wrap:
                    self.rows.append('')
                    column = 0
                column = min(column + 1, width)
                self.rows[-1] = (self.rows[-1][:column - 1] + token.decode() +
                                 self.rows[-1][column:])
        self.column, self.wrap = column, wrap
        self.lines = [match for match in map(LINE.fullmatch, self.seen)
                      if match]


def archive(base, path, hours):
    for hour in range(hours):
        name = os.path.join(base, path, '2025-11-15T%02d' % hour)
        os.makedirs(name)
        for second in 0, 20, 40:
            scene.write('%s/00:%02d-20.0-full-Hash.ts' % (name, second))


def main():
    if not shutil.which('strace'):
        print('1..0 # skip no strace')
        return
    evil = 'ch\033[2J\n\udce9' + 'x' * 60
    with scene.directory() as base, \
            concurrent.futures.ThreadPoolExecutor() as pool:
        for path, hours in ('ch/source', 18), (evil + '/source', 18), (
                'two/a', 9), ('two/b', 9):
            archive(base, path, hours)
        loop = base + '/two/b/2025-11-15T04'
        shutil.rmtree(loop)
        os.symlink(loop, loop)
        none = ('-f', 'none', '-m', 'm.prom')
        jobs = {what: pool.submit(Run, base, *more, **keywords) for
                what, more, keywords in (
                    ('slow', (*none, 'ch'), {}),
                    ('both', ('-q', 'a,b', 'two'), {}),
                    ('evil', (*none, evil), {'width': 50}),
                    ('fast', (*none, 'ch'), {'delay': False, 'both': True}),
                    ('database', (*none, '--make-page', '--connection-string',
                                  'host=127.0.0.1 port=1', 'ch'),
                     {'delay': False, 'width': 30}))}
        pipe = pool.submit(
            scene.spawn, [*SLOWLY, scene.PROGRAM, '-n', *none, 'ch'],
            scene.TRACED, cwd=base)
        run = {what: job.result() for what, job in jobs.items()}
        piped = pipe.result()

    one = run['slow']
    done = [int(line[2]) for line in one.lines]
    tap.ok(one.status == 0 and one.first >= 1, 'nothing for a second',
           one.first)
    tap.ok(len(done) >= 3 and done == sorted(set(done)) and done[-1] <= 18,
           'then lines of progress, ever further', one.seen)
    tap.ok(all((line[1], line[3], line[4]) == (
        'ch/source', '18', str(3 * int(line[2]))) for line in one.lines),
           'channel and quality, hours, segments', one.seen)
    tap.ok((one.rows, one.column, one.wrap) == ([''], 0, True),
           'one line, which is wiped', one.data)
    one = run['both']
    tap.ok({line[1] for line in one.lines} == {'two/a', 'two/b'},
           'each quality in turn', one.seen)
    tap.ok(one.status == 2 and one.rows[1:] == [''] and re.fullmatch(
        r'segment-coverage: \S+/two/b/2025-11-15T04: .*', one.rows[0]),
           'a message has a line of its own', one.rows)
    tap.ok(one.out and b'\r' not in one.out and b' hours, ' not in one.out,
           'the report is on stdout', one.out)
    one = run['evil']
    rows = [row for row in one.seen if row]
    tap.ok(rows and one.rows == [''] and all(
        row.startswith('ch\\x1b[2J\\x0a\\xe9xxx') and len(row) <= 50
        for row in rows), 'a name is escaped, and cut to the width', one.seen)
    tap.ok(not any(each.odd for each in run.values()),
           'nothing else that a terminal acts on', run)
    one = run['database']
    tap.ok(one.status == 2 and any(row.startswith(
        'asking the database for the n') for row in one.seen) and
        ''.join(one.rows).startswith('segment-coverage: database: '),
           'asking the database is shown, and wiped', one.seen, one.rows)
    one = run['fast']
    tap.ok((one.status, one.data) == (0, b''), 'nothing if it is fast',
           one.data)
    tap.ok((piped.status, piped.err) == (0, ''), 'nothing to a pipe', piped)
    tap.done()


main()
