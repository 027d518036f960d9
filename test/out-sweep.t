#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A run with all outputs in which every system call fails once, is where a
signal comes, and in which every allocation fails once. Never a wrong number, a
torn file or a hang; exit 0 only if all was done.

By default a sample is tried, of the way out more than of the reading;
SWEEP=full tries everything.
"""
import concurrent.futures
import errno
import itertools
import os
import re
import signal
import sys
import threading

sys.dont_write_bytecode = True
import scene
import tap

FULL = os.environ.get('SWEEP', '') == 'full'
ERRORS = 'EIO', 'ENOSPC', 'EACCES', 'ENOENT', 'EMFILE', 'EINTR'
ALONE = 'clone,clone3:error=EAGAIN'
SIGNALS = 'TERM', 'INT', 'HUP'
# The kernel never fails them so, and the C library has no way to go on.
CERTAIN = {'brk', 'clone', 'clone3', 'futex', 'exit_group', 'exit',
           'rt_sigreturn', 'umask', 'getpid', 'rt_sigprocmask', 'rt_sigaction',
           'rseq', 'set_robust_list', 'madvise'}
# of the sanitizers' own memory, without which they stop the program
MEMORY = {'mmap', 'munmap', 'mprotect', 'madvise', 'brk', 'sigaltstack',
          'prctl', 'personality', 'getrandom'}
# a signal comes too late there
LAST = {'clone', 'clone3', 'madvise', 'futex', 'exit', 'exit_group'}
MORE = '--sizes', '--peer', 'other=peer.json', '--known', 'known'


class Sweep:
    """Tries cases on all processors, each on a scene of its own. What the
    program prints does not tell the scenes apart."""

    def __init__(self, root, *more):
        self.root = root
        self.more = more
        self.local = threading.local()
        self.number = itertools.count()
        s = self.scene()
        start = self.calls([scene.PROGRAM, '--version'], s)
        s.restore()
        calls = self.calls(s.command(*more), s)
        # after the loader, and from the first call about an output on
        begin = next(n for n, (one, two) in enumerate(zip(calls, start))
                     if one[0] != two[0])
        at = next(n for n in range(begin, len(calls)) if 'web' in calls[n][2])
        self.reading = list(dict.fromkeys(one[:2] for one in calls[begin:at]))
        self.way_out = list(dict.fromkeys(one[:2] for one in calls[at:]))
        self.gone, self.were_left, self.failed = [], [], 0

    def scene(self):
        if not hasattr(self.local, 'scene'):
            s = scene.Scene(os.path.join(self.root, str(next(self.number))))
            s.run('-r', 'peer.json')
            scene.write(os.path.join(s.root, 'known'),
                        b'ch\tsource\t2025-11-15T02:00:10Z\t'
                        b'2025-11-15T02:00:12Z\tnever sent\n')
            s.outputs = []
            s.right = s.learn(*self.more)
            s.restore()
            self.local.scene = s
        return self.local.scene

    @staticmethod
    def calls(command, s):
        """(call, n, line) for every system call of a command: it is the n-th
        of that name. No thread can be made, so they are all main's."""
        trace = os.path.join(s.root, 'trace')
        result = scene.spawn(['strace', '-o', trace, '-e', 'inject=' + ALONE,
                              *command], scene.TRACED, cwd=s.root)
        scene.need(result.status == 0, result)
        counts, calls = {}, []
        for line in scene.read(trace).decode(errors='replace').splitlines():
            match = re.match(r'([a-z0-9_]+)\(', line)
            if match:
                counts[match[1]] = counts.get(match[1], 0) + 1
                calls.append((match[1], counts[match[1]],
                              line.replace('execve', '')))
        return calls

    def learn_gone(self):
        """What is right where ENOENT says that something has gone: all hours,
        one, a file that is asked for its size, what a link leads to."""
        s = self.scene()
        hours = [s.path(hour) for hour in s.HOURS]
        stats = [os.stat(hour) for hour in hours]
        files = [(hour + '/' + name, data) for hour in hours
                 for name in os.listdir(hour) for data in (b'', b'x')]
        files.append((s.root + '/base/segment', b''))
        for paths, data in ([[s.path()], None], [hours, None], *[
                ([path], data) for path, data in
                [*[(hour, None) for hour in hours], *files]]):
            for number, path in enumerate(paths):
                os.rename(path, '%s/aside%d' % (s.root, number))
                if data is not None and os.path.islink(s.root + '/aside0'):
                    os.symlink('nowhere', path)
                elif data is not None:
                    scene.write(path, data)
            self.date(hours, stats)
            s.restore()
            s.run(*self.more)
            self.gone.append({
                name: scene.settled(name, data)
                for name, data in s.look().items() if data != scene.OLD})
            for number, path in enumerate(paths):
                if data is not None:
                    os.unlink(path)
                os.rename('%s/aside%d' % (s.root, number), path)
            self.date(hours, stats)

    @staticmethod
    def date(hours, stats):
        for hour, stat in zip(hours, stats):
            if os.path.exists(hour):
                os.utime(hour, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    def tries(self, name, judge, faults):
        """One test: judge() of each fault says what is wrong."""
        faults = list(faults)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong = [(fault, one) for fault, one in zip(
                faults, pool.map(lambda fault: self.one(judge, fault), faults))
                if one]
        tap.ok(faults and not wrong, '%s, %d times' % (name, len(faults)),
               *wrong[:4])

    def one(self, judge, fault):
        s = self.scene()
        s.restore()
        return judge(s, *fault)

    # What is wrong after one fault, in one list

    def error(self, s, error, call, n, reading):
        result = s.inject([ALONE, '%s:error=%s:when=%d' % (call, error, n)],
                          *self.more, out='trace', follow=False)
        if error == 'ENOENT':
            # it believes that another run has its temporary file
            for name in s.left():
                os.unlink(os.path.join(s.web, name))
        wrong = s.judge(result, reading=reading, others=self.gone
                        if error == 'ENOENT' else ())
        # a sanitizer's own calls are not always the same
        if not scene.SANITIZE and not any(
                b'INJECTED' in line and not line.startswith(b'clone')
                for line in scene.read(
                    os.path.join(s.root, 'trace')).splitlines()):
            wrong.append('it was not met')
        if error == 'EINTR' and result.status != 0 and call in (
                'write', 'getdents64'):
            wrong.append('interrupted, it gives up')
        if result.status == 2 and error != 'ENOENT' and os.strerror(getattr(
                errno, error)) not in result.err:
            wrong.append('it does not give the reason')
        return wrong and [*wrong, result]

    def signal(self, s, name, call, n, reading):
        result = s.inject([ALONE, '%s:signal=%s:when=%d' % (call, name, n)],
                          *self.more, follow=False)
        sig = getattr(signal, 'SIG' + name)
        wrong = s.judge(result, signals=(sig,))
        if (result.status != -sig or result.err or result.out) and not (
                scene.SANITIZE and result.status == 0):
            wrong.append('it does not die of it in silence')
        elif reading and s.old() != s.outputs:
            wrong.append('published: not only %s is old' % s.old())
        return wrong and [*wrong, result]

    def kill(self, s, call, n):
        """Killed again and again, and then a run that nothing happens to."""
        wrong = []
        for when in (n, n, 1) if FULL else (n,):
            result = s.inject([ALONE, '%s:signal=KILL:when=%d' % (call, when)],
                              *self.more, follow=False)
            wrong += s.judge(result, signals=(signal.SIGKILL,))
            if len(s.left()) > 1 or any(
                    not name.startswith(scene.TEMPORARY) or
                    name.endswith('.prom') for name in s.left()):
                wrong.append('it piles up: %s' % s.left())
        self.were_left += s.left()
        if not wrong:
            result = s.run(*self.more)
            wrong = s.judge(result)
            if result.status != 0:
                wrong.append('the next run has trouble')
        return wrong and [*wrong, result]

    def allocation(self, s, n, good):
        environment = dict(scene.ENVIRONMENT, LD_PRELOAD=scene.NOMEM,
                           NOMEM_AT=str(n))
        if good:
            environment['NOMEM_GOOD'] = '1'
        result = s.run(*self.more, environment=environment)
        wrong = s.judge(result, reading=True)
        # some of it the C library allocates, for a reader to go on without
        if result.status == 2 and 'out of memory' not in result.err and \
                'Cannot allocate memory' not in result.err:
            wrong.append('it does not say "out of memory"')
        self.failed += result.status == 2
        return wrong and [*wrong, result]


def sample(calls, step, first=0):
    return calls if FULL else calls[first::step]


def sweep_calls(root):
    sweep = Sweep(root, *MORE)
    sweep.learn_gone()
    for calls, where, step in ((sweep.reading, 'of the reading', 3),
                               (sweep.way_out, 'of the way out', 1)):
        print('# %d calls %s' % (len(calls), where))
        fail = [one for one in calls if one[0] not in CERTAIN and not (
            scene.SANITIZE and one[0] in MEMORY)]
        for number, error in enumerate(ERRORS):
            sweep.tries('%s at a call %s' % (error, where), sweep.error, (
                (error, *one, step > 1)
                for one in sample(fail, 3, number % 3)))
        sweep.tries('a signal at a call ' + where, sweep.signal, (
            (SIGNALS[number % 3], *one, step > 1) for number, one in enumerate(
                one for one in sample(calls, step)
                if one[0] not in LAST)))
    sweep.tries('SIGKILL at a call of the way out', sweep.kill, sweep.way_out)
    tap.ok(sweep.were_left, 'SIGKILL leaves something for the next run')


def sweep_allocations(root):
    for name, more in (('JSON', MORE), ('text', (
            *MORE, '-f', 'text', '-a', '-r', 'base/web/r.txt'))):
        sweep = Sweep(os.path.join(root, name), *more)
        count = int(sweep.scene().run(*more, environment=dict(
            scene.ENVIRONMENT, LD_PRELOAD=scene.NOMEM, NOMEM_COUNT='1')).err)
        for good in False, True:
            sweep.tries('%s: an allocation of %d fails%s' % (
                name, count, ', and all that follow' * good),
                sweep.allocation, (
                (n, good) for n in range(1, count + 1)
                if FULL or n < 40 or n % 7 == good))
        tap.ok(sweep.failed > 10, name + ': and that is met', sweep.failed)


def main():
    with scene.directory() as root:
        sweep_calls(root)
        if scene.SANITIZE:
            tap.skip('memory', 'the sanitizers have an allocator of their own')
        else:
            sweep_allocations(root)
    tap.done()


main()
