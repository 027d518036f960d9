#!/usr/bin/python3
"""What goes wrong out there, each made to happen: sixty faults, and thirty
inputs that the Python program stumbled over.

With FAULTS=full the largest directories are as large as they can get.
"""
import concurrent.futures
import contextlib
import fcntl
import itertools
import json
import os
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True
import faulty
import tap

FULL = os.environ.get('FAULTS', '') == 'full'
HOURS = faulty.Scene.HOURS
NOBODY = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')
NOMEM = os.path.join(sys.path[0], 'nomem.so')
CONTROLS = re.compile(rb'[\x00-\x08\x0b-\x1f\x7f]')
MIB = 1 << 20

tests = []
waiting = []


class Skip(Exception):
    """Why it cannot be made to happen here."""


class Failed(Exception):
    """What is wrong."""


def fault(number, what):
    """A row of the table of faults."""
    return lambda function: tests.append(
        ('fault %02d: %s' % (number, what), function))


def odd(number, what):
    """A row of the table of odd inputs."""
    return lambda function: tests.append(
        ('input %02d: %s' % (number, what), function))


def at_leisure(_):
    """This one waits more than it works: it runs beside the others."""
    name, function = tests.pop()
    waiting.append((name, function))


def need(truth, *what):
    if not truth:
        raise Failed('; '.join(str(part) for part in what))


def not_with_tsan():
    if faulty.SANITIZE == 'thread':
        raise Skip('that sanitizer writes, too, and is what fails')


class Stage(faulty.Scene):
    """The scene of one test, and what may be asked of it."""

    def __init__(self, root):
        super().__init__(root)
        self.right, self.new = self.learn()
        self.restore()

    def ends(self, result, status, says=None):
        need(not result.hung, 'it hangs', result)
        need(result.status == status, 'not exit status %d' % status, result)
        need(status != 0 or not result.err, 'it says something', result)
        need(status != 2 or result.err, 'it says nothing', result)
        need(all(line.startswith('segment-coverage: ')
                 for line in result.err.splitlines()), 'foreign words', result)
        if says is not None:
            need(says in result.err, 'it does not say %r' % says, result)

    def is_old(self, *names):
        for name in names or self.outputs:
            need(self.look().get(name) == faulty.OLD,
                 '%s is not the old one' % name)

    def is_new(self, *names, same=True):
        for name in names or self.outputs:
            data = self.look().get(name)
            need(data is not None and data != faulty.OLD,
                 '%s is not a new one' % name)
            need(faulty.is_whole(name, data), '%s is torn' % name)
            if same:
                need(faulty.plain(name, data) == faulty.plain(
                    name, self.new[name]), '%s is not right' % name)

    def is_whole(self):
        torn = faulty.torn(self)
        need(not torn, 'torn: %s' % torn)

    def is_clean(self):
        left = faulty.leftovers(self)
        need(not left, 'left behind: %s' % left)

    def reports(self, result):
        """The report on stdout, which has to be whole."""
        try:
            return json.loads(result.out.decode())
        except ValueError as error:
            raise Failed('stdout is no JSON', error, result) from None

    def is_right(self, result):
        """Stdout tells what is true of the archive, and of errors too."""
        report = self.reports(result)
        need(report['complete'], 'not "complete"')
        need(report['reports'] == json.loads(self.right)['reports'],
             'the report is not right')
        need((result.status == 2) == bool(report['errors']),
             'its errors are %s' % report['errors'])
        return report

    def unread(self, result, hour, says):
        """That hour is unknown, the others are as they were."""
        self.ends(result, 2, says)
        need(hour in result.err, 'the hour is not named', result)
        report = self.reports(result)
        need(not report['complete'], '"complete"')
        need(any(hour in error['path'] for error in report['errors']),
             'the hour is not in errors')
        right = {h['hour']: h for h in
                 json.loads(self.right)['reports'][0]['hours']}
        for h in report['reports'][0]['hours']:
            need(h['readable'] == (h['hour'] != hour), h['hour'], 'readable?')
            if h['readable']:
                need(h['segments'] == right[h['hour']]['segments'],
                     'another hour is not right')
            need(h['readable'] or h['raw']['hole_count'] == 0,
                 'a false hole')
        need(len(report['reports'][0]['hours']) == len(right), 'an hour lost')
        self.is_clean()

    def counts(self, result):
        return self.reports(result)['reports'][0]


@contextlib.contextmanager
def mounted(path, *arguments):
    """Something mounted on path, as far as this machine allows it."""
    if not faulty.ROOT:
        raise Skip('only root can mount')
    result = faulty.spawn(['mount', *arguments, path])
    if result.status != 0:
        raise Skip('no mount here: %s' % result.err.strip())
    try:
        yield
    finally:
        for _ in range(50):
            if faulty.spawn(['umount', path]).status == 0:
                break
            time.sleep(0.1)


@contextlib.contextmanager
def small(stage, options):
    """The outputs' directory as a tmpfs of its own, with the old ones in."""
    with mounted(stage.web, '-t', 'tmpfs', '-o', options, 'tmpfs'):
        for name in stage.outputs:
            faulty.write(os.path.join(stage.web, name), faulty.OLD)
        yield
        need(not [name for name in os.listdir(stage.web)
                  if name not in stage.outputs + ['filler']],
             'left behind: %s' % os.listdir(stage.web))


def fill(path):
    """Fills the file system up with a file."""
    with open(path, 'wb', buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))


def can(*command):
    return shutil.which(command[0]) and \
        faulty.spawn(list(command)).status == 0


def for_nobody(stage):
    """The program where anybody can run it, as somebody without rights."""
    copy = os.path.join(stage.root, 'segment-coverage')
    if not os.path.exists(copy):
        shutil.copy(faulty.PROGRAM, copy)
    os.chmod(stage.root, 0o755)
    if faulty.ROOT and not can(*NOBODY, copy, '--version'):
        raise Skip('nobody else can run the program here')
    command = stage.arguments()
    command[0] = copy
    return [*(NOBODY if faulty.ROOT else ()), *command]


def traced(stage, calls, faults=(), *more):
    """A run under strace; the result, and the lines of the trace."""
    out = os.path.join(stage.root, 'trace')
    result = stage.inject(faults, *more, trace=calls, out=out)
    with open(out, encoding='utf-8', errors='replace') as lines:
        return result, lines.read().splitlines()


def start(command, **keywords):
    keywords.setdefault('stdin', subprocess.DEVNULL)
    keywords.setdefault('stdout', subprocess.PIPE)
    keywords.setdefault('stderr', subprocess.PIPE)
    keywords.setdefault('env', faulty.ENVIRONMENT)
    return subprocess.Popen(command, **keywords)


def end(process, limit=faulty.LIMIT):
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        return faulty.Result(process.returncode, out or b'', err or b'', True)
    return faulty.Result(process.returncode, out or b'', err or b'')


# stdout

@fault(1, 'stdout is a full device')
def _(stage):
    with open('/dev/full', 'wb') as full:
        result = stage.run(stdout=full)
    stage.ends(result, 2, 'stdout: No space left on device')
    stage.is_new()
    stage.is_clean()


@fault(2, 'stdout is closed')
def _(stage):
    result = stage.run(before=('sh', '-c', 'exec "$@" >&-', 'sh'))
    stage.ends(result, 2, 'stdout: Bad file descriptor')
    stage.is_new()
    stage.is_clean()
    for streams in '<&- >&-', '>&- 2>&-', '<&- >&- 2>&-':
        stage.restore()
        result = stage.run(before=('sh', '-c', 'exec "$@" ' + streams, 'sh'))
        need(result.status == 2, streams, result)
        stage.is_new()
        stage.is_clean()


@fault(3, "stdout's reader has gone")
def _(stage):
    for ignored in False, True:
        stage.restore()
        reader, writer = os.pipe()
        os.close(reader)
        try:
            result = stage.run(
                stdout=writer, before=('sh', '-c', '%sexec "$@"' % (
                    "trap '' PIPE; " if ignored else ''), 'sh'))
        finally:
            os.close(writer)
        if ignored:
            stage.ends(result, 2, 'stdout: Broken pipe')
        else:
            stage.ends(result, -signal.SIGPIPE)
        stage.is_new()
        stage.is_clean()


# The directory of the outputs

@fault(4, 'the output directory is full')
def _(stage):
    with small(stage, 'size=1m'):
        fill(os.path.join(stage.web, 'filler'))
        result = stage.run()
        stage.ends(result, 2, 'm.prom: No space left on device')
        stage.is_old()
    stage.is_right(result)


@fault(5, 'no inodes are left there')
def _(stage):
    with small(stage, 'nr_inodes=%d' % (len(stage.outputs) + 1)):
        result = stage.run()
        stage.ends(result, 2, 'm.prom: No space left on device')
        stage.is_old()
    stage.is_right(result)


@fault(6, 'files may not grow so large')
def _(stage):
    result = stage.run(before=('prlimit', '--fsize=10'))
    stage.ends(result, 2, 'm.prom: File too large')
    stage.is_old()
    stage.is_clean()
    stage.is_right(result)


@fault(7, 'a read-only file system')
def _(stage):
    with mounted(stage.web, '--bind', stage.web):
        if not can('mount', '-o', 'remount,ro,bind', stage.web):
            raise Skip('no read-only mounts here')
        result = stage.run()
    stage.ends(result, 2, 'm.prom: Read-only file system')
    stage.is_old()
    stage.is_clean()
    stage.is_right(result)


@fault(8, 'a directory that may not be written to')
def _(stage):
    os.chmod(stage.web, 0o555)
    result = faulty.spawn(for_nobody(stage))
    os.chmod(stage.web, 0o755)
    stage.ends(result, 2, 'm.prom: Permission denied')
    stage.is_old()
    stage.is_clean()
    stage.is_right(result)


@fault(9, 'a directory that is missing and cannot be made')
def _(stage):
    faulty.write(os.path.join(stage.root, 'file'))
    result = stage.run(
        '--output-dir', '../file/maps', '-m',
        os.path.join(stage.root, 'none', 'm.prom'))
    stage.ends(result, 2, 'none/m.prom: the directory that it goes to does not exist: make it')
    need('file/maps/ch_source_coverage.html: Not a directory' in result.err,
         result)
    need(os.path.getsize(os.path.join(stage.root, 'file')) == 0, 'overwritten')
    need(not os.path.exists(os.path.join(stage.root, 'none')), 'made')
    stage.is_old()
    stage.is_right(result)


@fault(10, 'the target is a directory')
def _(stage):
    for name in stage.outputs:
        os.unlink(os.path.join(stage.web, name))
        os.mkdir(os.path.join(stage.web, name))
    result = stage.run()
    stage.ends(result, 2, 'm.prom: it is a directory: give the name of a file')
    stage.is_right(result)
    stage.is_clean()
    for name in stage.outputs:
        need(name in result.err, 'not a word of %s' % name)
        os.rmdir(os.path.join(stage.web, name))


@fault(11, 'the target is a link')
def _(stage):
    for name in stage.outputs:
        path = os.path.join(stage.web, name)
        os.rename(path, os.path.join(stage.root, name))
        os.symlink(os.path.join('..', name), path)
    result = stage.run()
    stage.ends(result, 0)
    stage.is_new()
    stage.is_clean()
    for name in stage.outputs:
        need(not os.path.islink(os.path.join(stage.web, name)), 'a link yet')
        need(faulty.read(os.path.join(stage.root, name)) == faulty.OLD,
             'followed')


@fault(12, "a temporary file's name is planted as a link")
def _(stage):
    victim = os.path.join(stage.root, 'victim')
    faulty.write(victim, b'precious')
    plant = ''.join(
        'ln -s ../victim "%s/%s$$.%d"; ' % (stage.web, faulty.PREFIX, n)
        for n in range(3))
    result = stage.run(before=('sh', '-c', plant + 'exec "$@"', 'sh'))
    stage.ends(result, 0)
    need(faulty.read(victim) == b'precious', 'followed')
    need(not os.path.islink(victim), 'replaced')
    stage.is_new()
    left = faulty.leftovers(stage)
    need(len(left) == 3 and all(
        os.path.islink(os.path.join(stage.web, name)) for name in left),
        'left: %s' % left)


@fault(13, 'the target is immutable')
def _(stage):
    paths = [os.path.join(stage.web, name) for name in stage.outputs]
    if not can('chattr', '+i', *paths):
        raise Skip('no chattr +i here')
    try:
        result = stage.run()
    finally:
        faulty.spawn(['chattr', '-i', *paths])
    stage.ends(result, 2, 'm.prom: Operation not permitted')
    stage.is_old()
    stage.is_clean()
    stage.is_right(result)


@fault(14, 'a write fails')
def _(stage):
    not_with_tsan()
    failed = set()
    for n in range(1, 12):
        stage.restore()
        result = stage.inject(['write:error=EIO:when=%d' % n])
        if result.status == 0:
            break
        stage.ends(result, 2, 'Input/output error')
        stage.is_clean()
        stage.is_whole()
        old = [name for name in stage.outputs
               if stage.look()[name] == faulty.OLD]
        if 'stdout' not in result.err:
            need(len(old) == 1 and old[0] in result.err, old, result)
            stage.is_right(result)
            failed.add(old[0])
        else:
            need(not old, old, result)
            failed.add('stdout')
    need(failed == {'stdout', *stage.outputs}, 'only %s' % failed)


@fault(15, 'a close fails')
def _(stage):
    failed = set()
    for n in range(1, 120):
        stage.restore()
        result = stage.inject(['close:error=EIO:when=%d' % n])
        if 'shared libraries' in result.err:
            continue            # it was the loader's
        need(result.status in (0, 2), result)
        stage.is_clean()
        stage.is_whole()
        if result.status == 2:
            stage.ends(result, 2, 'Input/output error')
            old = [name for name in stage.outputs
                   if stage.look()[name] == faulty.OLD]
            need(all(name in result.err for name in old), old, result)
            failed.update(old or ['stdout'])
        else:
            stage.is_new()
            need(result.out == stage.right, 'the report is not right')
        if 'stdout' in failed:
            break
    need(failed == {'stdout', *stage.outputs}, 'only %s' % failed)


def rename_fails(stage, error, says):
    for more in [], ['access:error=ENOENT']:
        stage.restore()
        result = stage.inject(['rename:error=' + error, *more])
        stage.ends(result, 2, 'm.prom: ' + says)
        stage.is_old()
        stage.is_clean()
        stage.is_right(result)


@fault(16, 'rename fails: another device')
def _(stage):
    rename_fails(stage, 'EXDEV', 'Invalid cross-device link')


@fault(17, 'rename fails: not allowed')
def _(stage):
    rename_fails(stage, 'EACCES', 'Permission denied')


@fault(18, 'writes that write less')
def _(stage):
    not_with_tsan()
    # A stop in the middle of a large write to a pipe cuts it short.
    for n in range(100):
        faulty.write(stage.path(HOURS[0], '%0250d.ts' % n))
    right, _ = stage.learn()
    trace = os.path.join(stage.root, 'trace')
    for _ in range(20):
        process = start(['strace', '-o', trace, '-e', 'trace=write',
                         *stage.arguments()], env=faulty.TRACED)
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        time.sleep(0.3)
        children = subprocess.run(
            ['pgrep', '-P', str(process.pid)], stdout=subprocess.PIPE,
            check=True).stdout.split()
        for child in children:
            os.kill(int(child), signal.SIGSTOP)
            time.sleep(0.1)     # or the one undoes the other
            os.kill(int(child), signal.SIGCONT)
        result = end(process)
        stage.ends(result, 0)
        need(result.out == right, 'other bytes')
        with open(trace, encoding='utf-8') as lines:
            for line in lines:
                sizes = re.search(r', (\d+)\) += (\d+)', line)
                if sizes and int(sizes[2]) < int(sizes[1]):
                    return
    raise Failed('no write was cut short')


@fault(19, 'calls that are interrupted')
def _(stage):
    # stopped and continued all the while
    for n in range(100):
        faulty.write(stage.path(HOURS[0], '%0250d.ts' % n))
    right, _ = stage.learn()
    for _ in range(3):
        process = start(stage.arguments())
        reader = threading.Thread(
            target=lambda: results.append(end(process)))
        results = []
        reader.start()
        while process.returncode is None and reader.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGSTOP)
                os.kill(process.pid, signal.SIGCONT)
            time.sleep(0.0005)
        reader.join()
        stage.ends(results[0], 0)
        need(results[0].out == right, 'other bytes')


# Signals

def dies(stage, sig):
    name = signal.Signals(sig).name[3:]
    for call, n, more in (
            ('sched_getaffinity', 1, []), ('getdents64', 1, []),
            ('getdents64', 4, []), ('flock', 1, []), ('write', 1, []),
            ('fchmod', 1, []), ('linkat', 1, []), ('rename', 1, []),
            ('flock', 1, ['access:error=ENOENT']),
            ('write', 1, ['access:error=ENOENT']),
            ('rename', 1, ['access:error=ENOENT'])):
        stage.restore()
        result, lines = traced(
            stage, 'unlink,unlinkat',
            ['%s:signal=%s:when=%d' % (call, name, n), *more])
        what = '%s at %s %d%s' % (name, call, n, ' named' if more else '')
        need(result.status == -sig, what, result)
        need(not result.err and not result.out, what, result)
        left = faulty.leftovers(stage)
        need(not left, what, 'left behind: %s' % left)
        need(not faulty.torn(stage), what, 'torn')
        new = [name for name in stage.outputs
               if stage.look()[name] != faulty.OLD]
        # from linkat to rename a signal has to wait
        need(len(new) == (call in ('linkat', 'rename')), what, new)
        for line in lines:
            need('unlink' not in line or faulty.PREFIX in line or
                 '/tmp/tsan.' in line, what, line)
    # what is ignored from the start stays so
    stage.restore()
    result = stage.inject(['getdents64:signal=' + name], before=(
        'sh', '-c', "trap '' %s; exec \"$@\"" % name, 'sh'))
    stage.ends(result, 0)
    stage.is_new()


@fault(20, 'SIGTERM at each step')
def _(stage):
    dies(stage, signal.SIGTERM)


@fault(21, 'SIGINT at each step')
def _(stage):
    dies(stage, signal.SIGINT)


@fault(22, 'SIGHUP at each step')
def _(stage):
    dies(stage, signal.SIGHUP)


KILLED = (('getdents64', 1), ('flock', 1), ('write', 1), ('write', 2),
          ('linkat', 1), ('rename', 1), ('rename', 2))


@fault(23, 'SIGKILL at each step')
def _(stage):
    for call, n in KILLED:
        for more in [], ['access:error=ENOENT']:
            stage.restore()
            result = stage.inject(
                ['%s:signal=KILL:when=%d' % (call, n), *more])
            if result.status == 0 and more and call == 'linkat':
                continue        # it has no such call
            need(result.status == -signal.SIGKILL, call, n, result)
            stage.is_whole()


@fault(24, 'the run after SIGKILL')
def _(stage):
    left = set()
    for call, n in KILLED * 2:
        result = stage.inject(
            ['%s:signal=KILL:when=%d' % (call, n), 'access:error=ENOENT'])
        need(result.status in (0, -signal.SIGKILL), result)
        left.update(faulty.leftovers(stage))
        need(len(faulty.leftovers(stage)) <= 1, 'it piles up')
    need(left, 'nothing was ever left')
    result = stage.run()
    stage.ends(result, 0)
    stage.is_new()
    stage.is_clean()


# Several runs at once

def at_once(stage, commands):
    for result in [end(process) for process in
                   [start(command) for command in commands]]:
        stage.ends(result, 0)
        need(result.out == stage.right, 'the report is not right')


@fault(25, 'two and ten runs at once, one target')
def _(stage):
    for number in 2, 10, 10:
        stage.restore()
        at_once(stage, [stage.arguments()] * number)
        stage.is_new()
        stage.is_clean()
    # and where temporary files have names
    stage.restore()
    command = ['strace', '-f', '-qqq', '-o', '/dev/null', '-e',
               'trace=access', '-e', 'inject=access:error=ENOENT',
               *stage.arguments()]
    for _ in range(8):
        for result in [end(process) for process in [
                start(command, env=faulty.TRACED) for _ in range(6)]]:
            stage.ends(result, 0)
    stage.is_new()
    stage.is_clean()


@fault(26, 'runs at once, one directory, different targets')
def _(stage):
    paths = [os.path.join(stage.web, '%d.prom' % n) for n in range(8)]
    at_once(stage, [stage.arguments('-m', path) for path in paths])
    for path in paths:
        need(faulty.is_whole(path, faulty.read(path)), 'torn')
        os.unlink(path)
    stage.is_clean()


@fault(27, 'a reader that reads all the while')
def _(stage):
    torn, reads, stop = [], [0], threading.Event()

    def reading():
        while not stop.is_set():
            for name in stage.outputs:
                data = faulty.read(os.path.join(stage.web, name))
                reads[0] += 1
                if data != faulty.OLD and not faulty.is_whole(name, data):
                    torn.append(name)

    thread = threading.Thread(target=reading)
    thread.start()
    for _ in range(10):
        at_once(stage, [stage.arguments()] * 3)
    stop.set()
    thread.join()
    need(reads[0] > 50, 'only %d reads' % reads[0])
    need(not torn, 'torn: %s' % torn)
    stage.is_new()


# What cannot be read

@fault(28, 'an hour that may not be read')
def _(stage):
    os.chmod(stage.path(HOURS[1]), 0)
    os.chmod(stage.web, 0o777)
    result = faulty.spawn(for_nobody(stage))
    os.chmod(stage.path(HOURS[1]), 0o755)
    stage.unread(result, HOURS[1], 'Permission denied')


@fault(29, 'an error in the middle of a listing')
def _(stage):
    for n in 1, 2:
        stage.restore()
        result = stage.inject(['getdents64:error=EIO:when=%d' % n],
                              paths=[stage.path(HOURS[0])])
        stage.unread(result, HOURS[0], 'Input/output error')
    for n in 1, 2:
        result = stage.inject(['getdents64:error=EIO:when=%d' % n],
                              paths=[stage.path()])
        stage.ends(result, 2, 'ch/source: Input/output error')
        report = stage.reports(result)
        need(not report['complete'] and not report['reports'][0]['hours'] and
             report['reports'][0]['raw']['coverage'] == 0, report)


def delayed(stage, call, path, after, meanwhile):
    """A run in which a call about path is late, and what happens then: when
    a call about the path `after` has been."""
    trace = os.path.join(stage.root, 'trace')
    faulty.write(trace)
    process = start(
        ['strace', '-f', '-qqq', '-o', trace, '-P', path, '-P', after,
         '-e', 'trace=' + ','.join({call, 'getdents64'}),
         '-e', 'inject=%s:delay_enter=250000' % call, *stage.arguments()],
        env=faulty.TRACED)
    while b'getdents64' not in faulty.read(trace) and process.poll() is None:
        time.sleep(0.01)
    meanwhile()
    result = end(process)
    need(b'DELAYED' in faulty.read(trace), 'the call was not met')
    return result


@fault(30, 'an hour that goes after the hours were listed')
def _(stage):
    aside = os.path.join(stage.root, 'aside')
    result = delayed(stage, 'openat', stage.path(HOURS[0]), stage.path(),
                     lambda: os.rename(stage.path(HOURS[0]), aside))
    stage.ends(result, 0)
    stage.is_new(same=False)
    right, _ = stage.learn()
    need(result.out == right, 'not as if it had not been there')
    need(HOURS[0].encode() not in result.out, 'it is named')


@fault(31, 'a link that loops')
def _(stage):
    os.rename(stage.path(HOURS[1]), os.path.join(stage.root, 'aside'))
    os.symlink(HOURS[1], stage.path(HOURS[1]))
    stage.unread(stage.run(), HOURS[1], 'Too many levels of symbolic links')


@fault(32, 'a path that is too long')
def _(stage):
    home = os.getcwd()
    base = stage.root
    try:
        os.chdir(base)
        while len(base) < 4078:
            name = 'd' * min(200, 4078 - len(base) - 1)
            os.mkdir(name)
            os.chdir(name)
            base += '/' + name
        os.makedirs('ch/source')
        os.mkdir('ch/source/' + HOURS[1])
        result = stage.run('-b', base)
    finally:
        os.chdir(home)
    stage.ends(result, 2, 'ch/source/%s: File name too long' % HOURS[1])
    report = stage.reports(result)
    need(not report['complete'] and
         not report['reports'][0]['hours'][0]['readable'], report)


@fault(33, 'no more open files')
def _(stage):
    # so many that as many readers as may be are at work before the last
    for number in range(4, 24):
        stage.hour('2025-11-15T%02d' % number)
    for number in range(24):
        stage.hour('2025-11-16T%02d' % number)
    right, _ = stage.learn()
    hours = {h['hour']: h for h in json.loads(right)['reports'][0]['hours']}

    def judge(result):
        need(result.status in (0, 2), result)
        need((result.status == 2) == bool(result.err), result)
        report = stage.reports(result)
        unread = 0
        for h in report['reports'][0]['hours']:
            unread += not h['readable']
            need(h['raw']['holes'] == hours[h['hour']]['raw']['holes'] or
                 not h['readable'] or result.status == 2, 'a false hole')
            need(not h['readable'] or h['segments'] ==
                 hours[h['hour']]['segments'], 'not right', h)
        need(report['complete'] == (unread == 0), 'complete?')
        need(result.status == 2 or result.out == right, 'not right')
        return unread

    hours_paths = [stage.path(name) for name in hours]
    command = ['strace', '-f', '-qqq', '-o', '/dev/null']
    for path in hours_paths:
        command += ['-P', path]
    command += ['-e', 'trace=getdents64', '-e',
                'inject=getdents64:delay_enter=20000', 'prlimit', '-n8',
                *stage.arguments('-j', '64')]
    need(judge(faulty.spawn(command, faulty.TRACED)) > 0, 'never met')
    judge(stage.run('-j', '64', before=('prlimit', '-n8')))
    for n in range(1, 9):
        result = stage.inject(['openat:error=EMFILE:when=%d' % n],
                              paths=[stage.path(HOURS[1]), stage.path()])
        if result.status == 0:
            break
        stage.ends(result, 2, 'Too many open files')
        need(not stage.reports(result)['complete'], 'complete')
    need(n > 2, 'never met')


PARTIALS = ['00:06-2.0-partial-Hash.ts', '00:06-1.0-partial-Hash.ts']


@fault(34, 'a partial that goes before its size was asked for')
def _(stage):
    path = stage.path(HOURS[0], PARTIALS[0])
    result = delayed(stage, 'newfstatat', PARTIALS[0],
                     stage.path(HOURS[0]), lambda: os.unlink(path))
    stage.ends(result, 0)
    first = stage.counts(result)['hours'][0]
    need(first['segments']['partial'] == {'count': 2, 'duration': 3},
         first['segments'])
    # the largest was to be the best, of 2 s; now it is the other one
    need(first['overlaps']['partial'] == {'count': 1, 'duration': 2},
         first['overlaps'])


def no_size(stage, error, says):
    result = stage.inject(['newfstatat,statx:error=' + error],
                          paths=[PARTIALS[0]])
    stage.ends(result, 2, '%s/%s: %s' % (HOURS[0], PARTIALS[0], says))
    report = stage.reports(result)
    need(not report['complete'], 'complete')
    need(report['reports'][0]['hours'][0]['segments']['partial']['count'] == 2,
         'not counted')


@fault(35, 'a size that may not be asked for')
def _(stage):
    no_size(stage, 'EACCES', 'Permission denied')


@fault(36, 'a size that cannot be read')
def _(stage):
    no_size(stage, 'EIO', 'Input/output error')


@fault(37, 'files renamed while they are listed')
def _(stage):
    # live.t does this for longer
    path = stage.path(HOURS[1])
    for n in range(2000):
        faulty.write(os.path.join(
            path, '%02d:%02d.5-0.5-full-Hash.ts' % (n // 60, n % 60)))
    names = [(os.path.join(path, '59:%02d-1.0-temp-Hash.ts' % n),
              os.path.join(path, '59:%02d-1.0-full-Hash.ts' % n))
             for n in range(40)]
    for name, _ in names:
        faulty.write(name)
    stop = threading.Event()

    def renaming():
        while not stop.is_set():
            for temp, full in names:
                os.rename(temp, full)
            for temp, full in names:
                os.rename(full, temp)

    thread = threading.Thread(target=renaming)
    thread.start()
    try:
        for _ in range(30):
            result = stage.run()
            stage.ends(result, 0)
            counts = stage.counts(result)['hours'][1]['segments']
            seen = counts['temp']['count'] + counts['full']['count']
            need(seen >= 2000 + 4 + 1 + 40, 'only %d names' % seen)
    finally:
        stop.set()
        thread.join()


# What is no file

def no_files(stage, make):
    name = os.path.join(stage.path(HOURS[0]), '00:10-2.0-full-%s.ts')
    number = make(name)
    before = json.loads(stage.right)['reports'][0]
    result, lines = traced(stage, 'open,openat,openat2')
    stage.ends(result, 0)
    after = stage.counts(result)
    need(after['segments']['bad']['count'] ==
         before['segments']['bad']['count'] + number, after['segments'])
    need(after['segments']['full'] == before['segments']['full'] and
         after['raw'] == before['raw'], 'counted')
    need(not [line for line in lines if '.ts"' in line], 'opened')
    need([line for line in lines if HOURS[0] in line], 'no trace')


@fault(38, 'directories named *.ts')
def _(stage):
    def make(name):
        os.mkdir(name % 'Dire')
        os.symlink('.', name % 'Link')
        return 2
    no_files(stage, make)


@fault(39, 'FIFOs and sockets named *.ts')
def _(stage):
    def make(name):
        os.mkfifo(name % 'Fifo')
        os.symlink('00:10-2.0-full-Fifo.ts', name % 'Link')
        with socket.socket(socket.AF_UNIX) as unix:
            home = os.getcwd()
            os.chdir(os.path.dirname(name))
            unix.bind(os.path.basename(name % 'Sock'))
            os.chdir(home)
        return 3
    no_files(stage, make)


@fault(40, 'devices and dangling links named *.ts')
def _(stage):
    def make(name):
        os.symlink('nowhere', name % 'Dang')
        os.symlink('/dev/zero', name % 'Link')
        number = 2
        with contextlib.suppress(PermissionError):
            os.mknod(name % 'Node', stat.S_IFCHR | 0o666, os.makedev(1, 5))
            number += 1
        return number
    no_files(stage, make)


@fault(40, 'and all of them where the file system tells no types')
def _(stage):
    image = os.path.join(stage.root, 'image')
    with open(image, 'wb') as file:
        file.truncate(8 * MIB)
    if not can('mkfs.ext4', '-q', '-O', '^filetype,^has_journal', image):
        raise Skip('no mkfs.ext4')
    name = os.path.join(stage.path(HOURS[0]), '00:10-2.0-full-%s.ts')
    os.mkdir(name % 'Dire')
    os.mkfifo(name % 'Fifo')
    os.symlink('nowhere', name % 'Link')
    os.symlink(os.path.join(stage.base, 'ch', 'source', HOURS[0]),
               stage.path('2025-11-15T04'))
    faulty.write(stage.path('2025-11-15T05'))
    wanted = stage.run()
    other = os.path.join(stage.root, 'mount')
    os.mkdir(other)
    with mounted(other, '-o', 'loop', image):
        need(can('cp', '-a', os.path.join(stage.base, 'ch'), other), 'no copy')
        os.rename(stage.base, stage.base + '.away')
        os.symlink(other, stage.base)
        result = stage.run()
        stage.ends(result, 0)
        need(result.out == wanted.out, 'types are not asked for',
             result.out, wanted.out)
        # one that has gone by then was a file, as where types are told
        result = stage.inject(['newfstatat:error=ENOENT'],
                              paths=['00:20-1.25-full-Hash.ts'])
        stage.ends(result, 0)
        need(result.out == wanted.out, 'a file that has gone', result.out)


@fault(41, 'all outputs in one directory that fills up')
def _(stage):
    report = os.path.join(stage.web, 'r.json')
    stage.outputs.append('r.json')
    with small(stage, 'size=1m'):
        fill(os.path.join(stage.web, 'filler'))
        result = stage.run('-r', report)
        stage.ends(result, 2)
        for name in stage.outputs:
            need('%s: No space left on device' % name in result.err, name,
                 result)
        stage.is_old()
        # with room for the first of them, some are new and some are old
        os.truncate(os.path.join(stage.web, 'filler'), (1 << 20) - 20480)
        result = stage.run('-r', report)
        need(result.status in (0, 2), result)
        stage.is_whole()


# Names

def named(stage, names):
    path = stage.path(HOURS[0])
    for name in names:
        faulty.write(os.path.join(os.fsencode(path), name))
    before = json.loads(stage.right)['reports'][0]
    for more in (), ('-f', 'text', '-a', '-v'):
        for locale in 'C', 'C.UTF-8':
            stage.restore()
            result = stage.run(*more, environment=dict(
                faulty.ENVIRONMENT, LC_ALL=locale))
            need(result.status == 0, result)
            stage.is_new(same=False)
            printed = result.out.replace(b'\n', b'')
            if not more:        # JSON may have it
                printed = printed.replace(b'\x7f', b'')
            need(not CONTROLS.search(printed), 'control bytes', result.out)
            need(not CONTROLS.search(result.err.encode().replace(b'\n', b'')),
                 'control bytes', result)
            text = result.out.decode()
            need('\u202e' not in text + result.err or not more,
                 'turned around')
            if more:
                need(all(result.err.count(name) == 0 or name.isprintable()
                         for name in ('\x1b', '\x07')), result)
                continue
            counts = stage.counts(result)
            need(counts['segments']['bad']['count'] ==
                 before['segments']['bad']['count'] + len(names), 'not bad',
                 counts['segments'])
            need(counts['raw'] == before['raw'], 'counted')
            kept = counts['hours'][0]['bad_names']
            for name in names:
                need(name.decode(errors='replace').replace('\ufffd', '') in
                     [one.replace('\ufffd', '') for one in kept], name, kept)


@fault(42, 'names that are not UTF-8')
def _(stage):
    named(stage, [b'\xff\xfe.ts', b'a\xc3.ts', b'\xed\xa0\x80.ts',
                  b'\xf4\x90\x80\x80.ts', b'\xc0\xaf.ts',
                  b'00:00-2.0-full-\xe2\x82.ts'])


@fault(43, 'names with quotes, newlines, ESC, BEL and U+202E')
def _(stage):
    named(stage, [b'"quotes\'\\.ts', b'new\nline.ts', b'\x1b[31mred.ts',
                  b'\x1b]0;title\x07.ts', '\u202egnp.ts'.encode(),
                  b'<script>&amp;.ts', b'%s%n.ts', b'\x7f\x01.ts'])


@fault(44, 'names of 255 bytes')
def _(stage):
    named(stage, [b'a' * 252 + b'.ts', b'9' * 230 + b'-2.0-full-abcd.ts',
                  b'00:00-' + b'9' * 237 + b'-full-ab.ts',
                  b'\xff' * 252 + b'.ts'])


def segments(stage, *names):
    """Adds segments to the first hour; a run, its counts and those before."""
    for name in names:
        faulty.write(stage.path(HOURS[0], name + '.ts'))
    result = stage.run()
    stage.ends(result, 0)
    return stage.counts(result), json.loads(stage.right)['reports'][0]


DURATIONS = ['inf', '1e309', '1e12', 'nan', '999999999', '3600.000001',
             '1e400', '-2', '+2', ' 2', '1_000', '0x10', '1e-3']
TIMES = [' 0:02', '+0:02', '\u0660\u0660:\u0660\u0662', '00:60', '60:00',
         '0:02', '00:02.', '00:02.1234567', '-0:02']


def bad_ones(stage, names):
    after, before = segments(stage, *names)
    need(after['segments']['bad']['count'] ==
         before['segments']['bad']['count'] + len(names), after['segments'])
    for key in 'raw', 'editable', 'overlaps', 'incomplete', 'start', 'end':
        need(after[key] == before[key], 'another', key)


@fault(45, 'times and durations that Python would take')
def _(stage):
    bad_ones(stage, ['00:10-%s-full-Hash' % duration
                     for duration in DURATIONS] +
             ['%s-2.0-full-Hash' % one for one in TIMES])


@fault(46, 'strays among the hours, and names that sort last')
def _(stage):
    strays(stage)


def strays(stage):
    for name in ('2024-11-09T10.bak', 'README', 'zzz', '2025-02-29T00',
                 '2025-11-15T24', '2025-11-15t02', '\udcff\udcfe', '~'):
        os.mkdir(stage.path(name))
        faulty.write(stage.path(name, '00:00-2.0-full-Hash.ts'))
    for name in ('0001-01-01T00', '9999-12-31T23'):
        faulty.write(stage.path(name))
    result = stage.run()
    stage.ends(result, 0)
    need(result.out == stage.right, 'not as before')
    stage.is_new()
    result = stage.run('-v')
    need(result.status == 0 and result.err.count('stray') == 10, result)


@fault(47, 'hours of 1936, 1970, 2999 and 9999')
def _(stage):
    far_hours(stage, '1936-08-01T12', '1970-01-01T00', '2999-12-31T23',
              '9999-12-31T23')


def peak(stage, *more, limit=faulty.LIMIT):
    """A run, and how much of memory it had at most."""
    code = ('import resource, subprocess, sys; '
            's = subprocess.run(sys.argv[1:]).returncode; '
            'print("peak", resource.getrusage(resource.RUSAGE_CHILDREN)'
            '.ru_maxrss, file=sys.stderr); sys.exit(s)')
    result = stage.run(*more, before=('/usr/bin/python3', '-c', code),
                       limit=limit)
    found = re.search(r'^peak (\d+)$', result.err, re.M)
    need(found, 'no peak', result)
    result.err = result.err.replace(found[0] + '\n', '')
    if faulty.SANITIZE:
        return result, 0
    return result, int(found[1]) * 1024


def far_hours(stage, *hours):
    for name in hours:
        os.mkdir(stage.path(name))
        faulty.write(stage.path(name, '59:59-6.0-full-Hash.ts'))
    result, memory = peak(stage)
    need(memory < 32 * MIB, '%d MiB' % (memory // MIB))
    maps = [name for name in stage.outputs if name.endswith('.png')]
    if maps:
        stage.ends(result, 2, 'ch_source_coverage.png: ')
        need('--first-hour' in result.err, 'no remedy', result)
        stage.is_old(*maps)
    report = stage.reports(result)
    need(report['complete'], 'not complete')
    counts = report['reports'][0]
    need(len(counts['hours']) == 2 + len(hours), 'not all counted')
    need(counts['segments']['full']['count'] == json.loads(stage.right)[
        'reports'][0]['segments']['full']['count'] + len(hours), 'counts')
    stage.is_new(*[name for name in stage.outputs if name not in maps],
                 same=False)
    stage.is_clean()


@fault(48, 'hours in the future')
def _(stage):
    os.mkdir(stage.path('2025-11-16T01'))
    faulty.write(stage.path('2025-11-16T01', '00:00-2.0-full-Hash.ts'))
    result = stage.run()
    stage.ends(result, 0)
    need(stage.counts(result)['age'] == -3602, stage.counts(result)['age'])
    need(stage.counts(result)['end'] == '2025-11-16T01:00:02.000000Z', 'end')
    stage.is_new(same=False)


def many(stage, number, make):
    """A big hour, in the memory where it can be."""
    path = stage.path(HOURS[0])
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(Skip):
            stack.enter_context(mounted(
                path, '-t', 'tmpfs', '-o', 'size=1g', 'tmpfs'))
        make(path, number)
        return peak(stage, '-n')


def touch(path, names):
    directory = os.open(path, os.O_RDONLY)
    for name in names:
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o644,
                         dir_fd=directory))
    os.close(directory)


def million(stage):
    number = 1000000 if FULL else 50000

    def make(path, number):
        touch(path, ('%02d:%02d.%06d-2.0-full-%011d.ts' % (
            n % 3600 // 60, n % 60, n % 1000003, n) for n in range(number)))
    result, memory = many(stage, number, make)
    stage.ends(result, 0)
    need(stage.counts(result)['hours'][0]['segments']['full']['count'] ==
         number, 'not all counted')
    need(memory <= 16 * MIB + number * 184, '%d MiB' % (memory // MIB))


@fault(49, 'a million names in an hour')
def _(stage):
    million(stage)


@fault(50, 'a hundred thousand bad names, and tombstones')
def _(stage):
    number = 100000 if FULL else 10000

    def make(path, number):
        touch(path, ('bad %06d.ts' % n for n in range(number)))
        touch(path, ('00:00-2.0-full-%06d0.%s' % (n, kind)
                     for n in range(number) for kind in ('ts', 'tombstone')))
    result, memory = many(stage, number, make)
    stage.ends(result, 0)
    hour = stage.counts(result)['hours'][0]
    need(hour['segments']['bad']['count'] == number and
         hour['segments']['tombstoned']['count'] == number and
         len(hour['bad_names']) == 100 and
         hour['bad_names'][99] == 'bad 000099.ts', hour['segments'])
    need(memory <= 16 * MIB + number * 3 * 192, '%d MiB' % (memory // MIB))
    need(len(result.out) < 100000, '%d bytes' % len(result.out))


@fault(51, 'no memory is left')
def _(stage):
    # sweep.t tries every allocation
    if faulty.SANITIZE:
        raise Skip('the sanitizers have an allocator of their own')
    failed = 0
    for n in range(20, 300, 20):
        for good in {}, {'NOMEM_GOOD': '1'}:
            stage.restore()
            result = stage.run(environment=dict(
                faulty.ENVIRONMENT, LD_PRELOAD=NOMEM, NOMEM_AT=str(n),
                **good))
            need(result.status in (0, 2), result)
            stage.is_clean()
            stage.is_whole()
            if result.status == 0:
                stage.is_new()
                need(result.out == stage.right, 'keys are missing')
            else:
                stage.ends(result, 2)
                need('out of memory' in result.err or
                     'Cannot allocate memory' in result.err, result)
                failed += 1
    need(failed > 10, 'only %d failed' % failed)


@fault(60, 'locales, time zones, umasks, no working directory')
def _(stage):
    locales = os.path.join(stage.root, 'locales')
    os.mkdir(locales)
    made = [name for name in ('de_DE', 'tr_TR') if can(
        'localedef', '--no-archive', '-i', name, '-f', 'UTF-8',
        os.path.join(locales, name + '.UTF-8'))]
    home = os.path.join(stage.root, 'home')
    for locale in ['C', 'C.UTF-8'] + [name + '.UTF-8' for name in made]:
        for zone, umask in (('UTC', 0o22), ('Asia/Kolkata', 0o77),
                            ('Nowhere/At/All', 0)):
            stage.restore()
            os.mkdir(home)
            # the working directory goes before the program comes
            result = stage.run(
                before=('sh', '-c', 'cd "%s" && rmdir "%s" && umask %o && '
                        'exec "$@"' % (home, home, umask), 'sh'),
                # setlocale itself leaks
                environment=dict(faulty.TRACED, LC_ALL=locale, TZ=zone,
                                 LOCPATH=locales))
            stage.ends(result, 0)
            need(result.out == stage.right, 'other bytes', locale, zone)
            stage.is_new()
            for name in stage.outputs:
                mode = os.stat(os.path.join(stage.web, name)).st_mode & 0o7777
                need(mode == 0o644, name, oct(mode))
    # the directory of the maps too can be read by all
    shutil.rmtree(stage.web)
    os.mkdir(stage.web)
    result = stage.run('--output-dir', '../made/of/two',
                       before=('sh', '-c', 'umask 077; exec "$@"', 'sh'))
    stage.ends(result, 0)
    for name in 'made', 'made/of', 'made/of/two':
        mode = os.stat(os.path.join(stage.root, name)).st_mode & 0o7777
        need(mode == 0o755, name, oct(mode))
    if len(made) < 2:
        raise Skip('only the locales C and C.UTF-8')


# Odd inputs

@odd(1, 'a duration of inf, 1e309 or 1e12')
def _(stage):
    bad_ones(stage, ['00:10-%s-full-Hash' % one
                     for one in ('inf', '1e309', '1e12')])


@odd(2, 'a stray directory and a plain file among the hours')
def _(stage):
    os.mkdir(stage.path('2024-11-09T10.bak'))
    faulty.write(stage.path('README'))
    result = stage.run()
    stage.ends(result, 0)
    need(result.out == stage.right, 'not as before')


@odd(3, 'the hour 9999-12-31T23')
def _(stage):
    os.mkdir(stage.path('9999-12-31T23'))
    faulty.write(stage.path('9999-12-31T23', '59:59-6.0-full-Hash.ts'))
    result = stage.run('-n')
    stage.ends(result, 0)
    need(stage.counts(result)['end'] == '10000-01-01T00:00:05.000000Z',
         stage.counts(result)['end'])


@odd(4, 'a link to itself as an hour')
def _(stage):
    name = '2025-11-15T04'
    os.symlink(name, stage.path(name))
    result = stage.run()
    stage.ends(result, 2, name)
    report = stage.reports(result)
    need([h['readable'] for h in report['reports'][0]['hours']] ==
         [True, True, False], 'readable?')
    need(report['reports'][0]['raw']['coverage'] == json.loads(stage.right)[
        'reports'][0]['raw']['coverage'], 'the rest is not reported')


@odd(5, 'a quality that cannot be read, before one that can')
def _(stage):
    faulty.write(os.path.join(stage.base, 'ch', '480p'))
    result = stage.run('-q', '480p,source')
    stage.ends(result, 2, 'ch/480p: Not a directory')
    report = stage.reports(result)
    need(not report['complete'] and not report['reports'][0]['hours'],
         'it has hours of the other')
    need(report['reports'][1] == json.loads(stage.right)['reports'][0],
         'the other is not right')


@odd(6, 'a partial that goes away before stat')
def _(stage):
    result = stage.inject(['newfstatat,statx:error=ENOENT'], paths=PARTIALS)
    stage.ends(result, 0)
    need(stage.counts(result)['segments']['partial']['count'] == 4, 'lost')


@odd(7, 'a first hour after the last')
def _(stage):
    result = stage.run('--first-hour', HOURS[1], '--last-hour', HOURS[0])
    stage.ends(result, 2, '--first-hour')
    need(not result.out, 'a report')
    stage.is_old()


@odd(9, 'an hour five years back')
def _(stage):
    far_hours(stage, '2020-11-15T02')


@odd(11, 'a great many bad names')
def _(stage):
    touch(stage.path(HOURS[0]), ('x%06d.ts' % n for n in range(5000)))
    result = stage.run()
    stage.ends(result, 0)
    need(stage.counts(result)['hours'][0]['segments']['bad']['count'] == 5001,
         'not all counted')
    need(len(stage.counts(result)['hours'][0]['bad_names']) == 100, 'kept')
    result = stage.run('-v')
    need(result.status == 0 and len(result.err.splitlines()) < 130 and
         '4901 more' in result.err, result)


@odd(12, 'twenty thousand tombstones')
def _(stage):
    touch(stage.path(HOURS[0]), (
        '00:00-2.0-full-%06d0.%s' % (n, kind) for n in range(20000)
        for kind in ('ts', 'tombstone')))
    # CPU time; a quadratic way would take some minutes of it
    result = stage.run('-n', before=(
        'prlimit', '--cpu=%d' % (30 if faulty.SANITIZE else 5)))
    stage.ends(result, 0)
    need(stage.counts(result)['hours'][0]['segments']['tombstoned']['count'] ==
         20001, 'not all hidden')


@odd(13, 'a great many names in an hour')
def _(stage):
    touch(stage.path(HOURS[0]), (
        '%02d:%02d.%06d-2.0-full-%011d.ts' % (
            n % 3600 // 60, n % 60, n % 1000003, n) for n in range(20000)))
    result, memory = peak(stage, '-n')
    stage.ends(result, 0)
    need(memory <= 20 * MIB, '%d MiB' % (memory // MIB))


@odd(14, 'SIGTERM in the middle of the scan')
def _(stage):
    result = stage.inject(['openat:signal=TERM'],
                          paths=[stage.path(HOURS[1])])
    need(result.status == -signal.SIGTERM and not result.out, result)
    stage.is_old()
    stage.is_clean()


def lone(stage, *names, second=()):
    """An archive of these segments, and of the second hour's; its counts."""
    for hour, those in zip(HOURS, (names, second)):
        shutil.rmtree(stage.path(hour))
        os.mkdir(stage.path(hour))
        for name in those:
            faulty.write(stage.path(hour, name + '-Hash.ts'))
    result = stage.run('-n')
    stage.ends(result, 0)
    return stage.counts(result)


@odd(15, 'full segments of 1 s and 2 s at one start')
def _(stage):
    counts = lone(stage, '00:00-2-full', '00:00-1-full', '00:02-2-full')
    need(counts['raw']['coverage'] == 4, counts['raw'])


@odd(16, 'a segment inside a longer one')
def _(stage):
    counts = lone(stage, '00:00-10-full', '00:02-1-full', '00:10-2-full')
    need(counts['raw']['coverage'] == 12, counts['raw'])
    need(counts['raw']['hole_count'] == 0, counts['raw'])


@odd(17, 'suspect segments beside a full one')
def _(stage):
    counts = lone(stage, '00:00-2-full', '00:00-2-suspect', '00:00-1-suspect')
    need(counts['overlaps']['suspect'] == {'count': 2, 'duration': 3},
         counts['overlaps'])


@odd(18, 'a gap of a microsecond over the hour')
def _(stage):
    counts = lone(stage, '59:58-1.999999-full', second=['00:00-2-full'])
    need(counts['raw']['hole_count'] == 0, counts['raw'])
    result = stage.run('-n', '-t', '0')
    counts = stage.counts(result)
    need((counts['raw']['hole_count'], counts['raw']['hole_duration']) ==
         (1, 0.000001), counts['raw'])
    need([h['raw']['hole_count'] for h in counts['hours']] == [1, 0],
         'hours')


@odd(19, 'a segment over the hour')
def _(stage):
    counts = lone(stage, '59:58-5-full', second=['00:05-2-full'])
    need((counts['raw']['hole_count'], counts['raw']['hole_duration']) ==
         (1, 2), counts['raw'])


@odd(20, 'an hour missing in the middle')
def _(stage):
    os.rename(stage.path(HOURS[1]), stage.path('2025-11-15T04'))
    result = stage.run()
    stage.ends(result, 0)
    counts = stage.counts(result)
    need(counts['missing_hours']['ranges'] == [{
        'first': HOURS[1], 'last': HOURS[1], 'count': 1}],
        counts['missing_hours'])
    need(counts['raw']['longest_hole']['duration'] > 3600, 'no hole')


@odd(21, 'a name that sorts last')
def _(stage):
    bad_ones(stage, ['zzz'])
    os.mkdir(stage.path('zzz'))
    result = stage.run()
    stage.ends(result, 0)


@odd(22, 'a segment of 999,999,999 s')
def _(stage):
    bad_ones(stage, ['00:10-999999999-full-Hash'])


@odd(23, 'a directory, a FIFO, a dangling link named *.ts')
def _(stage):
    os.mkdir(stage.path(HOURS[0], '00:10-2-full-Dire.ts'))
    os.mkfifo(stage.path(HOURS[0], '00:11-2-full-Fifo.ts'))
    os.symlink('nowhere', stage.path(HOURS[0], '00:12-2-full-Dang.ts'))
    result = stage.run()
    stage.ends(result, 0)
    before = json.loads(stage.right)['reports'][0]
    after = stage.counts(result)
    need(after['raw'] == before['raw'], 'counted as covered')
    need(after['segments']['bad']['count'] ==
         before['segments']['bad']['count'] + 3, after['segments'])


@odd(24, 'spaces, signs, other digits and underscores')
def _(stage):
    bad_ones(stage, ['%s-2-full-Hash' % one for one in TIMES[:3]] +
             ['00:10-%s-full-Hash' % one for one in ('1_000', '+2')])


@odd(25, 'a channel, a quality or the base directory is missing')
def _(stage):
    result = faulty.spawn(stage.arguments()[:-1] + ['none'])
    stage.ends(result, 2, 'none')
    need(': ch' in result.err, 'the channels are not named', result)
    need(not stage.reports(result)['complete'], 'complete')
    result = stage.run('-b', os.path.join(stage.root, 'none'))
    stage.ends(result, 2, 'none')
    need('--base-dir' in result.err, result)
    result = stage.run('-q', 'none')
    stage.ends(result, 0)
    need(not stage.counts(result)['found'], 'found')
    need('none' in stage.run('-q', 'none', '-v').err, 'not said under -v')
    need(stage.run('-q', 'none', '--check').status == 1, '--check is content')


@odd(27, 'newline and ESC in the name of a directory')
def _(stage):
    name = '2025-11-15T02\n\x1b[31mX'
    os.mkdir(stage.path(name))
    result = stage.run('-v')
    need(result.status == 0, result)
    need('\x1b' not in result.err and '\\x0a\\x1b[31mX' in result.err,
         'not escaped', result)
    need(result.out == stage.right, 'it counts')
    stage.is_new()
    need(b'31m' not in stage.look()['m.prom'], 'a label')
    # and of a channel, which is a label, but escaped
    channel = 'new\n\x1b"\\'
    stage.hour(HOURS[0], channel)
    result = faulty.spawn(stage.arguments('-n')[:-1] + [channel])
    stage.ends(result, 0)
    metrics = stage.look()['m.prom']
    need(faulty.is_whole('m.prom', metrics), 'the metrics are not valid')
    need(rb'channel="new\n' + b'\x1b' + rb'\"\\"' in metrics, 'the label')
    for output in os.listdir(stage.web):
        if 'new' in output:
            os.unlink(os.path.join(stage.web, output))


@odd(28, 'a directory whose name is not UTF-8')
def _(stage):
    os.mkdir(os.path.join(os.fsencode(stage.path()), b'\xff\xfe'))
    result = stage.run()
    stage.ends(result, 0)
    need(result.out == stage.right, 'it counts')
    stage.is_new()


@odd(30, 'SIGKILL leaves nothing that piles up')
def _(stage):
    for _ in range(3):
        result = stage.inject(['rename:signal=KILL'])
        need(result.status == -signal.SIGKILL, result)
    result = stage.inject(['linkat:signal=KILL'])
    need(len(faulty.leftovers(stage)) <= 1, faulty.leftovers(stage))
    stage.ends(stage.run(), 0)
    stage.is_new()
    stage.is_clean()


# The database

class Database:
    """Answers as PostgreSQL does, or not: `play` has the connection once the
    client has logged in, `login` before it. A port that nobody listens on
    refuses."""

    def __init__(self, play=None, login=None, accept=True, listen=True):
        self.socket = socket.socket()
        self.socket.bind(('127.0.0.1', 0))
        if listen:
            self.socket.listen(16)
        self.port = self.socket.getsockname()[1]
        self.play = play
        self.login = login or self.logs_in
        self.held = []
        if accept and listen:
            threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.socket.accept()
                self.held.append(peer)
                threading.Thread(target=self.talk, args=(peer,),
                                 daemon=True).start()

    def talk(self, peer):
        with contextlib.suppress(OSError, struct.error):
            if self.login(peer) is not False and self.play:
                self.play(peer)

    def logs_in(self, peer):
        started(peer)
        say(peer, b'R', struct.pack('>I', 0))
        say(peer, b'S', b'server_version\0' + b'15.0\0')
        say(peer, b'S', b'client_encoding\0UTF8\0')
        say(peer, b'Z', b'I')

    def dsn(self, more=''):
        return ('host=127.0.0.1 port=%d user=me dbname=them '
                'password=hush%s' % (self.port, more))

    def close(self):
        self.socket.close()
        for peer in self.held:
            peer.close()


def exactly(peer, size):
    data = b''
    while len(data) < size:
        more = peer.recv(size - len(data))
        if not more:
            raise OSError('it left')
        data += more
    return data


def started(peer):
    """Reads the first message; encryption there is none."""
    while True:
        size, kind = struct.unpack('>II', exactly(peer, 8))
        exactly(peer, size - 8)
        if kind not in (80877103, 80877104):
            return
        peer.sendall(b'N')


def asked(peer):
    kind = exactly(peer, 1)
    size, = struct.unpack('>I', exactly(peer, 4))
    return kind, exactly(peer, size - 4)


def say(peer, kind, data):
    peer.sendall(kind + struct.pack('>I', len(data) + 4) + data)


def say_notice(peer, kind, text):
    say(peer, kind, b'SERROR\0VERROR\0CXX000\0M' + text + b'\0\0')


def say_rows(peer, rows, columns=2):
    say(peer, b'T', struct.pack('>H', columns) + b''.join(
        b'c%d\0' % n + struct.pack('>IHIhih', 0, 0, 25, -1, -1, 0)
        for n in range(columns)))
    for row in rows:
        say(peer, b'D', struct.pack('>H', len(row)) + b''.join(
            struct.pack('>i', -1) if cell is None else
            struct.pack('>I', len(cell)) + cell for cell in row))
    say(peer, b'C', b'SELECT %d\0' % len(rows))
    say(peer, b'Z', b'I')


def pages(stage, dsn, *more, **keywords):
    """A run that asks a database for the nodes, and how long it took."""
    arguments = stage.arguments('--connection-string', dsn, *more)
    node = arguments.index('--node')
    del arguments[node:node + 2]
    begun = time.monotonic()
    result = faulty.spawn(arguments, **keywords)
    return result, time.monotonic() - begun


PAGE = 'ch_source_coverage.html'


def no_page(stage, result, says=None):
    """The page is the old one, all else is there."""
    stage.ends(result, 2, says)
    need(len(result.err.splitlines()) == 1 and 'database: ' in result.err,
         result)
    stage.is_old(PAGE)
    stage.is_new(*[name for name in stage.outputs
                   if name not in (PAGE, 'm.prom')])
    stage.is_new('m.prom', same=False)
    stage.is_clean()
    report = stage.is_right(result)
    need(report['errors'][0]['path'] == 'database', report['errors'])
    need('hush' not in result.err and b'hush' not in result.out,
         'the password')


@at_leisure
@fault(52, 'the database refuses')
def _(stage):
    database = Database(listen=False)
    result, _ = pages(stage, database.dsn())
    database.close()
    no_page(stage, result, 'Connection refused')


@at_leisure
@fault(53, 'the database accepts and says nothing')
def _(stage):
    for accept in True, False:
        stage.restore()
        database = Database(login=lambda peer: False, accept=accept)
        result, took = pages(stage, database.dsn())
        database.close()
        no_page(stage, result)
        need(took < 14, '%.1f s' % took)


@at_leisure
@fault(54, 'the database freezes after login, or sleeps')
def _(stage):
    for play in (asked, None):
        stage.restore()
        database = Database(play)
        result, took = pages(stage, database.dsn())
        database.close()
        no_page(stage, result, 'no answer')
        need(took < 14, '%.1f s' % took)


@at_leisure
@fault(55, 'three silent hosts')
def _(stage):
    silent = [Database(accept=False) for _ in range(3)]
    result, took = pages(
        stage, 'host=127.0.0.1,127.0.0.1,127.0.0.1 port=%d,%d,%d user=me '
        'password=hush' % tuple(database.port for database in silent))
    for database in silent:
        database.close()
    no_page(stage, result)
    need(took < 14, '%.1f s' % took)


@at_leisure
@fault(56, 'a wrong password, and no TLS where it is required')
def _(stage):
    def login(peer):
        started(peer)
        say(peer, b'R', struct.pack('>I', 3))
        _, password = asked(peer)
        need(password == b'hush\0', password)
        say_notice(peer, b'E', b'password authentication failed for me')
        return False
    database = Database(login=login)
    result, _ = pages(stage, database.dsn())
    database.close()
    no_page(stage, result, 'password authentication failed')
    stage.restore()
    database = Database()
    for dsn in (database.dsn(' sslmode=require'),
                'postgresql://me:hush@127.0.0.1:%d/x?sslmode=require' %
                database.port):
        stage.restore()
        result, _ = pages(stage, dsn)
        no_page(stage, result, 'SSL')
    database.close()
    # nor is it in the list of processes
    database = Database(login=lambda peer: False)
    arguments = stage.arguments('--connection-string', database.dsn())
    node = arguments.index('--node')
    del arguments[node:node + 2]
    process = start(arguments)
    while not database.held:
        time.sleep(0.01)
    line = faulty.read('/proc/%d/cmdline' % process.pid)
    process.kill()
    end(process)
    database.close()
    need(b'hush' not in line and b'connection-string' in line, line)


def rows_page(stage, rows, columns=2):
    """A run whose database has these rows; the result and the page."""
    def play(peer):
        asked(peer)
        say_rows(peer, rows, columns)
        asked(peer)
    database = Database(play)
    result, _ = pages(stage, database.dsn())
    database.close()
    return result, stage.look()[PAGE]


@at_leisure
@fault(57, 'hostile nodes, NULL, duplicates, a great many')
def _(stage):
    good = b'http://good.example'
    hostile = [
        (b'<script>alert(1)</script>', good), (b'"onload=x \'', good),
        (b'twice', good), (b'twice', good), (b'\x1b[31mred\xff', good),
        ('\u202egnp'.encode(), good)]
    left_out = [
        (None, good), (b'null', None), (b'', good), (b'empty', b''),
        (b'js', b'javascript:alert(1)'), (b'data', b'data:text/html,x'),
        (b'quote', b'ftp://x'), (b'space', b'http://x y'),
        (b'esc\x1b[31m', b'file:///x'), (b'long', b'http://' + b'x' * 2041)]
    result, page = rows_page(stage, hostile + left_out)
    stage.ends(result, 2)
    need(len(result.err.splitlines()) == len(left_out), result)
    need('\x1b' not in result.err, 'raw')
    stage.is_new(same=False)
    stage.is_clean()
    need(page.count(b'<figure>') == len(hostile), 'figures')
    for raw in (b'<script>alert', b'"onload', b'javascript:', b'data:text',
                b'ftp://x', b'\x1b', b'\xff', '\u202e'.encode(),
                b'file:///x'):
        need(raw not in page, raw)
    need(b'&#60;script&#62;alert(1)' in page, 'not escaped')
    for quote in ("'", '"'):
        need(not re.search(r'<(?:img|a)[^>]*%sonload' % quote,
                           page.decode()), 'an attribute')
    result, page = rows_page(stage, [
        (b'n%04d' % n, good) for n in range(1000)])
    stage.ends(result, 0)
    need(page.count(b'<figure>') == 1000, 'figures')


@at_leisure
@fault(58, 'notices and errors with ESC and newline')
def _(stage):
    def play(peer):
        say_notice(peer, b'N', b'notice \x1b[31m\nof two lines')
        asked(peer)
        say_notice(peer, b'N', b'notice \x1b[31m\nof two lines')
        say_notice(peer, b'E', b'error \x1b[31m\x07\nsecond line')
        say(peer, b'Z', b'I')
        asked(peer)
    database = Database(play)
    result, _ = pages(stage, database.dsn())
    database.close()
    no_page(stage, result, 'error \\x1b[31m\\x07')
    need('\x1b' not in result.err and 'notice' not in result.err, result)
    need(b'\\u001b[31m' in result.out, 'the report')
    # an answer that is no answer of PostgreSQL's
    for answer in (b'HTTP/1.1 400 Bad Request\r\n\r\n<html>\x1b[31m', b'\0',
                   b'E\0\0\0\5', b'R\xff\xff\xff\xff'):
        def login(peer, answer=answer):
            started(peer)
            peer.sendall(answer)
            peer.close()
            return False
        stage.restore()
        database = Database(login=login)
        result, _ = pages(stage, database.dsn())
        database.close()
        no_page(stage, result)
        need('\x1b' not in result.err, result)
    # an answer of another shape
    stage.restore()
    result, _ = rows_page(stage, [(b'one',)], 1)
    no_page(stage, result)


@at_leisure
@fault(59, 'no nodes')
def _(stage):
    result, page = rows_page(stage, [])
    stage.ends(result, 0)
    stage.is_new(same=False)
    need(b'no node' in page and b'<figure>' not in page, page[-400:])


@at_leisure
@odd(8, 'nodes without name or URL')
def _(stage):
    good = b'http://good.example'
    result, page = rows_page(stage, [(None, good), (b'n', None), (b'a', good)])
    stage.ends(result, 2, "node 'n': no URL")
    need(page.count(b'<figure>') == 1 and b'None' not in page, 'figures')


@at_leisure
@odd(10, 'a database that accepts and says nothing')
def _(stage):
    database = Database(login=started)
    result, took = pages(stage, database.dsn())
    database.close()
    no_page(stage, result)
    need(took < 14, '%.1f s' % took)


@odd(26, 'a node that is a script')
def _(stage):
    result = stage.run('--node', '<script>alert(1)</script>=http://x')
    stage.ends(result, 0)
    page = stage.look()[PAGE]
    need(b'<script>alert' not in page and b'script&#62;alert(1)' in page,
         'raw')
    result = stage.run('--node', 'x=javascript:alert(1)')
    stage.ends(result, 2, '--node')
    need(not result.out, result)


@odd(29, 'a malformed connection string')
def _(stage):
    for dsn in ('postgresql://me:hush@[::1/x', 'postgresql://me:hu%zzsh@h/x',
                'host=h password=hush nonsense', "host=h password='hush",
                'postgresql://me:p@hush@h/x', 'postgresql://me:x/hush@h/x',
                'port=hush', 'postgresql://me@h:hush/x'):
        stage.restore()
        result, _ = pages(stage, dsn)
        no_page(stage, result)
        need('malformed' in result.err, dsn, result)
        metrics = stage.look()['m.prom']
        need(b'hush' not in metrics, 'the password')


def perform(name, function, root):
    """The name, and what tap has to say of it."""
    try:
        os.mkdir(root)
        function(Stage(root))
        return name, None, None
    except Skip as why:
        return name, 'skip', why
    except Failed as failed:
        return name, 'failed', failed
    except Exception:
        return name, 'failed', traceback.format_exc()
    finally:
        faulty.remove(root)


def say_so(name, outcome, why):
    if outcome == 'skip':
        tap.skip(name, why)
    else:
        tap.ok(outcome is None, name, why)


def main():
    wanted = sys.argv[1:]
    if not shutil.which('strace'):
        print('1..0 # skip no strace')
        return
    root = faulty.directory()
    places = (os.path.join(root, str(number)) for number in itertools.count())

    def chosen(some):
        return [(name, function, next(places)) for name, function in some
                if not wanted or any(one in name for one in wanted)]
    try:
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            later = [pool.submit(perform, *one) for one in chosen(waiting)]
            for one in chosen(tests):
                say_so(*perform(*one))
            for one in later:
                say_so(*one.result())
    finally:
        faulty.remove(root)
    tap.done()


if __name__ == '__main__':
    main()
