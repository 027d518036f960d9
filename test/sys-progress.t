#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The progress line, as a terminal shows it. strace makes hours slow."""
import concurrent.futures
import os
import pty
import re
import shutil
import sys
import termios
import time

sys.dont_write_bytecode = True
import scene
import tap

SLOWLY = scene.strace(['getdents64:delay_enter=100000'])
LINE = re.compile(r'(\S+): (\d+) of (\d+) hours, (\d+) segments')


class Run:
    """A run whose stderr, or stdout too, is a terminal."""

    def __init__(self, base, *options, both=False, delay=True):
        master, slave = pty.openpty()
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
        text = re.sub(r'\x1b\[\?7[lh]', '', self.data.decode())
        self.odd = re.search('[^\r\n -~]', text.replace('\x1b[K', ''))
        self.seen = [piece.replace('\x1b[K', '')
                     for piece in re.split('[\r\n]', text)]
        # what the screen has at the end: each line since it was wiped
        self.rows = [line.rpartition('\x1b[K')[2] for line in text.split('\n')]
        # all but what a terminal is told to cut at its width
        self.wrapped = re.sub(rb'(?s)\x1b\[\?7l.*?\x1b\[\?7h', b'', self.data)
        self.lines = [match for match in map(LINE.fullmatch, self.seen)
                      if match]


def archive(base, path, hours):
    for hour in range(hours):
        name = os.path.join(base, path, '2025-11-15T%02d' % hour)
        os.makedirs(name)
        for second in 0, 20, 40:
            scene.write('%s/00:%02d-20.0-full-Hash.ts' % (name, second))


def main():
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
                    ('evil', (*none, evil), {}),
                    ('fast', (*none, 'ch'), {'delay': False, 'both': True}),
                    ('database', (*none, '--make-page', '--connection-string',
                                  'host=127.0.0.1 port=1', 'ch'),
                     {'delay': False}))}
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
    tap.ok(one.rows == [''] and one.wrapped.strip(b'\r\x1b[K') == b'',
           'one line, which is cut to the width, and wiped', one.data)
    one = run['both']
    tap.ok({line[1] for line in one.lines} == {'two/a', 'two/b'},
           'each quality in turn', one.seen)
    tap.ok(one.status == 2 and one.rows[1:] == [''] and re.fullmatch(
        r'segment-coverage: \S+/two/b/2025-11-15T04: .*', one.rows[0]),
           'a message has a line of its own', one.rows)
    tap.ok(one.out and b'\r' not in one.out and b' hours, ' not in one.out,
           'the report is on stdout', one.out)
    one = run['evil']
    tap.ok(one.lines and one.rows == [''] and all(
        line[1].startswith('ch\\x1b[2J\\x0a\\xe9xxx') for line in one.lines),
           'a name is escaped', one.seen)
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
