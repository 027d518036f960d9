#!/usr/bin/python3
"""Every system call of a run fails in turn, and every allocation; and every
call is where the run is killed. Never a crash, a hang, a torn file, or exit 0
with a report that is wrong.

By default some of all cases are tried; SWEEP=full tries them all.
"""
import concurrent.futures
import itertools
import json
import os
import re
import shutil
import signal
import sys
import threading

sys.dont_write_bytecode = True
import faulty
import tap

FULL = os.environ.get('SWEEP', '') == 'full'
ERRORS = ('EIO', 'ENOSPC', 'EACCES', 'ENOENT', 'EMFILE', 'EINTR')
SIGNALS = ('TERM', 'KILL')
FAULTS = ERRORS + SIGNALS
# The kernel never fails them so (brk says what it did in another way), and
# the C library has no way to go on.
CERTAIN = {'brk', 'futex', 'exit_group', 'exit', 'rt_sigreturn'}
# of the sanitizers' own memory, without which they stop the program
MEMORY = {'mmap', 'munmap', 'mprotect', 'madvise', 'brk', 'sigaltstack',
          'prctl', 'personality'}
MARK = re.compile(r'fcntl\(0, F_GETFD')
CALL = re.compile(r'(\d+) +([a-z0-9_]+)\(')
JOBS = os.cpu_count() or 1
NOMEM = os.path.join(sys.path[0], 'nomem.so')


def calls_of(scene, extra=(), more=()):
    """[(call, n)]: every system call of a run from main() on, each with how
    manyeth of its thread's calls by that name it is."""
    trace = os.path.join(scene.root, 'trace')
    scene.restore()
    command = ['strace', '-f', '-o', trace, *extra]
    result = faulty.spawn([*command, *scene.arguments(*more)], faulty.TRACED)
    if result.status != 0:
        raise RuntimeError(repr(result))
    counts, calls, begun = {}, [], False
    with open(trace, encoding='utf-8', errors='replace') as lines:
        for line in lines:
            match = CALL.match(line)
            if not match:
                continue
            thread, call = match.groups()
            counts[thread, call] = counts.get((thread, call), 0) + 1
            begun = begun or MARK.search(line) is not None
            if begun:
                calls.append((call, counts[thread, call]))
    if not begun:
        raise RuntimeError('no mark in the trace')
    return list(dict.fromkeys(calls))


class Truth:
    """What a run may say where nothing but its own errors is told."""

    def __init__(self, scene, *more):
        self.scene = scene
        self.more = more
        self.form = 'stdout.txt' if 'text' in more else 'stdout.json'
        self.right = self.outcome()
        self.gone = [self.right]

    def outcome(self):
        out, files = self.scene.learn(*self.more)
        return out, {name: faulty.plain(name, data)
                     for name, data in files.items()}

    def without(self):
        """Adds what is right where something has gone: each hour, all of
        them, the quality, and each file that is asked about."""
        scene = self.scene
        aside = os.path.join(scene.root, 'aside')
        hours = os.listdir(scene.path())
        for names in [[name] for name in hours] + [hours]:
            os.makedirs(aside)
            for name in names:
                os.rename(scene.path(name), os.path.join(aside, name))
            self.gone.append(self.outcome())
            for name in names:
                os.rename(os.path.join(aside, name), scene.path(name))
            os.rmdir(aside)
        os.rename(scene.path(), aside)
        self.gone.append(self.outcome())
        os.rename(aside, scene.path())
        for name in hours:
            for file in os.listdir(scene.path(name)):
                path = scene.path(name, file)
                if os.path.islink(path):
                    self.without_target(path)
                elif os.path.getsize(path) > 0:
                    self.without_size(path)
        self.outcome()

    def without_target(self, path):
        target = os.readlink(path)
        os.unlink(path)
        os.symlink('nowhere', path)
        self.gone.append(self.outcome())
        os.unlink(path)
        os.symlink(target, path)

    def without_size(self, path):
        data = faulty.read(path)
        os.truncate(path, 0)
        self.gone.append(self.outcome())
        faulty.write(path, data)


def judge(truth, scene, fault, result):
    """What is wrong with how a run ended; the outputs are in place yet."""
    right_out, right_files = truth.right
    killed = {'TERM': -signal.SIGTERM, 'KILL': -signal.SIGKILL}.get(fault)
    wrong = []
    if result.hung:
        return ['it hangs']
    if result.status not in (0, 2, killed):
        wrong.append('it ends with %d' % result.status)
    if result.status == 2 and not result.err:
        wrong.append('exit 2, and not a word')
    if result.status == 0 and result.err:
        wrong.append('exit 0, but it says something')
    files = scene.look()
    left = [name for name in files if name not in scene.outputs]
    if left and fault != 'KILL':
        wrong.append('left behind: %s' % left)
    for name in scene.outputs:
        data = files.get(name)
        if data is None:
            wrong.append('%s has gone' % name)
        elif data != faulty.OLD and not faulty.is_whole(name, data):
            wrong.append('%s is torn' % name)
    if wrong:
        return wrong
    new = {name: faulty.plain(name, files[name]) for name in scene.outputs}
    if result.status == 0:
        allowed = truth.gone if fault == 'ENOENT' else [truth.right]
        if not any(result.out == out and all(
                data == those.get(name, faulty.OLD)
                for name, data in new.items()) for out, those in allowed):
            wrong.append('exit 0, and the outputs are not right')
        return wrong
    if result.status == 2 and 'out of memory' not in result.err and \
            'stdout' not in result.err and \
            not faulty.is_whole(truth.form, result.out):
        wrong.append('stdout is torn')
    if faulty.json_is_whole(result.out):
        report = json.loads(result.out)
        if result.status == 2 and not report['errors'] and \
                'stdout' not in result.err:
            wrong.append('the report knows no error')
        if report['complete'] and \
                report['reports'] != json.loads(right_out)['reports']:
            wrong.append('"complete", and it is wrong')
    metrics = files['m.prom']
    if metrics != faulty.OLD and b'run_complete{' in metrics and \
            metrics.rstrip().endswith(b' 1') and \
            faulty.metrics_plain(metrics, False) != faulty.metrics_plain(
                '\n'.join(right_files['m.prom']).encode(), False):
        wrong.append('run_complete 1, and the metrics are wrong')
    return wrong


class Sweeper:
    """Runs cases, some at the same time, each worker on a scene of its own
    (what the program prints must not tell them apart: all are `base`)."""

    def __init__(self, root, make):
        self.root = root
        self.make = make
        self.local = threading.local()
        self.number = itertools.count()

    def scene(self):
        if not hasattr(self.local, 'scene'):
            self.local.scene, self.local.truth = self.make(os.path.join(
                self.root, 'worker%d' % next(self.number)))
        return self.local.scene, self.local.truth

    def paths(self, scene, call):
        """What the faults are about, or nothing for all calls."""
        return ()

    def case(self, case):
        scene, truth = self.scene()
        call, n, fault, extra, more = case
        scene.restore()
        kind = 'signal=' if fault in SIGNALS else 'error='
        faults = ['%s:%s%s:when=%d' % (call, kind, fault, n)]
        result = scene.inject(faults + list(extra), *more,
                              paths=self.paths(scene, call))
        wrong = judge(truth, scene, fault, result)
        if fault in SIGNALS and not more and result.status >= 0:
            wrong.append('it survived the signal')
        if fault == 'KILL' and not wrong:
            # the next run takes away what is left, and publishes
            result = faulty.spawn(scene.arguments(*more))
            left = faulty.leftovers(scene)
            if left or result.status != 0 or result.out != truth.right[0]:
                wrong.append('the run after it: %r, left %r' % (result, left))
        return case, wrong, result

    def sweep(self, name, cases):
        """One test for each call and fault."""
        groups = {}
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            for case, wrong, result in pool.map(self.case, cases):
                what = groups.setdefault((case[0], case[2]), [0, []])
                what[0] += 1
                if wrong:
                    what[1].append('%s number %d: %s; %r' % (
                        case[0], case[1], '; '.join(wrong), result))
        for (call, fault), (count, wrong) in sorted(groups.items()):
            tap.ok(not wrong, '%s: %s at %s, %d of them' % (
                name, fault, call, count), *wrong[:3])


def cases_of(calls, extra=(), more=(), faults=FAULTS, keep=2):
    """Every call with every fault; in the short version each call with some
    of the faults, and each fault with some of the calls."""
    cases = []
    for place, (call, n) in enumerate(calls):
        for number, fault in enumerate(faults):
            if fault != 'KILL' and call in CERTAIN:
                continue
            if faulty.SANITIZE and call in MEMORY | {'getrandom'}:
                continue    # the sanitizer's own, not in every run
            if not FULL and (place * 3 + number) % len(faults) >= keep:
                continue
            cases.append((call, n, fault, extra, more))
    return cases


class ThreadSweeper(Sweeper):
    """Each thread counts its own calls: only those about hours are meant,
    so that the first is not one of the loader's."""

    def paths(self, scene, call):
        if call in ('clone', 'clone3'):
            return ()
        return [scene.path(name) for name in os.listdir(scene.path())]


def make_one(path):
    os.makedirs(path)
    scene = faulty.Scene(path)
    truth = Truth(scene)
    truth.without()
    return scene, truth


def make_many(path):
    os.makedirs(path)
    scene = faulty.Scene(path, ['2025-11-15T%02d' % n for n in range(8)])
    return scene, Truth(scene, '-j', '4')


def sweep_calls(root):
    sweeper = Sweeper(os.path.join(root, 'one'), make_one)
    scene, _ = sweeper.scene()
    calls = calls_of(scene)
    print('# %d calls' % len(calls))
    sweeper.sweep('a run', cases_of(calls))

    # on a file system without O_TMPFILE temporary files have names
    no_tmpfile = ('access:error=ENOENT',)
    calls = calls_of(scene, ('-e', 'inject=' + no_tmpfile[0]))
    first = calls.index(('access', 1)) if ('access', 1) in calls else 0
    calls = [call for call in calls[first:] if call[0] != 'access']
    sweeper.sweep('named temporary files',
                  cases_of(calls, no_tmpfile))


def sweep_threads(root):
    sweeper = ThreadSweeper(os.path.join(root, 'many'), make_many)
    more = ('-j', '4')
    calls = [(call, n) for n in range(1, 7) for call in (
        'openat', 'newfstatat', 'getdents64', 'close')]
    faults = [fault for fault in FAULTS if fault != 'ENOENT']
    sweeper.sweep('threads', cases_of(calls, more=more, faults=faults))
    calls = [(call, n) for n in range(1, 4) for call in ('clone3', 'clone')]
    cases = cases_of(calls, more=more, faults=('EAGAIN', 'ENOMEM'))
    sweeper.sweep('threads', cases)


class AllocationSweeper(Sweeper):
    def count(self, more):
        scene, _ = self.scene()
        result = faulty.spawn(scene.arguments(*more), dict(
            faulty.ENVIRONMENT, LD_PRELOAD=NOMEM, NOMEM_COUNT='1'))
        return int(result.err)

    def case(self, case):
        scene, truth = self.scene()
        block, n, mode, more = case
        scene.restore()
        environment = dict(faulty.ENVIRONMENT, LD_PRELOAD=NOMEM,
                           NOMEM_AT=str(n))
        if mode == 'failing for good':
            environment['NOMEM_GOOD'] = '1'
        result = faulty.spawn(scene.arguments(*more), environment)
        wrong = judge(truth, scene, mode, result)
        # where only one output needed it, the others are there
        if result.status == 2 and 'out of memory' not in result.err and \
                'Cannot allocate memory' not in result.err:
            wrong.append('it does not say "out of memory"')
        return case[:3], wrong, result


def sweep_allocations(root):
    """All of the first fifty, then some."""
    for name, more in (('json', ()), ('text', ('-f', 'text', '-a'))):
        def make(path, more=more):
            os.makedirs(path)
            scene = faulty.Scene(path)
            return scene, Truth(scene, *more)
        sweeper = AllocationSweeper(os.path.join(root, name), make)
        count = sweeper.count(more)
        if count < 50:
            raise RuntimeError('%d allocations?' % count)
        step = 1 if FULL else 5
        sweeper.sweep(name, [
            ('allocations %d to %d' % (n // 100 * 100, n // 100 * 100 + 99),
             n, mode, more) for n in range(1, count + 1)
            for mode in ('failing once', 'failing for good')
            if n < 50 or n % step == 0])


def main():
    if not shutil.which('strace'):
        print('1..0 # skip no strace')
        return
    root = faulty.directory()
    try:
        sweep_calls(root)
        sweep_threads(root)
        if faulty.SANITIZE:
            tap.skip('memory', 'the sanitizers have an allocator of their own')
        else:
            sweep_allocations(root)
    finally:
        faulty.remove(root)
    tap.done()


if __name__ == '__main__':
    main()
