#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What cannot be read, what is not a segment, and what is too large: each is
reported, nothing becomes a false hole, and the rest is done."""
import contextlib
import errno
import json
import os
import re
import signal
import sys
import time

sys.dont_write_bytecode = True
import scene
from scene import (PROGRAM, TRACED, Skip, can, case, end, holes, mounted, need,
                   read, spawn, strace, write)

FULL = os.environ.get('FAULTS', '') == 'full'
MIB = 1 << 20


def report(result):
    try:
        return json.loads(result.out)
    except ValueError:
        raise scene.Failed('stdout is not JSON', result) from None


def look(s, *more, **keywords):
    """A run with its report on stdout, and that."""
    result = s.plain('-n', '-f', 'json', *more, **keywords)
    return result, report(result)


def trouble(result, *says):
    need(result.status == 2, result)
    for words in says:
        need(words in result.err, 'it does not say %r' % words, result)


def fails(s, fault, path, *more):
    """A look during which calls about the path, or all, fail."""
    return look(s, *more, environment=TRACED, before=strace(
        [fault], paths=path and (path, os.path.basename(path))))


def unread(s, result, hour, says):
    """That hour is unknown, and only that one."""
    trouble(result, '%s: %s' % (hour, says))
    right = s.right['r.json']['reports'][0]
    got = report(result)
    need(not got['complete'] and len(got['errors']) == 1 and
         hour in got['errors'][0]['path'], got['errors'])
    got = got['reports'][0]
    need([one['hour'] for one in got['hours']] == sorted(
        {hour, *[one['hour'] for one in right['hours']]}), 'hours')
    for one in got['hours']:
        need(one['readable'] == (one['hour'] != hour), 'readable?', one)
        need(one['readable'] or one['raw']['hole_count'] == 0, 'a hole', one)
        need(not one['readable'] or one['segments'] in [
            wanted['segments'] for wanted in right['hours']], 'not right', one)
    need(not [hole for hole in holes(report(result)) if hour in hole[0]],
         'false holes', holes(report(result)))


# What does not exist, or is not what it should be

@case('no base directory, no channel, no quality')
def _(s):
    base = s.root + '/base'
    os.makedirs(base + '/coverage-maps/source')
    os.makedirs(base + '/.hidden/source')
    os.makedirs(base + '/beta/source/' + s.HOURS[0])
    write(base + '/file')
    result, got = look(s, '-b', 'none')
    trouble(result, 'none', '--base-dir')
    need(not got['complete'] and not holes(got), got)
    result, got = look(s, '-b', 'base/file')
    trouble(result, 'base/file')
    for name in 'none', 'file':
        result, got = look(s, name)
        trouble(result, 'base/' + name, 'beta, ch')
        need(not re.search('coverage-maps|hidden', result.err), result)
        need(len(result.err.splitlines()) == 1, result)
        need(not got['complete'] and got['reports'][1] == s.right['r.json'][
            'reports'][0] and not got['reports'][0]['found'],
             'the other channel is not right')
    result, got = look(s, '-q', 'none,source')
    trouble(result, 'base/ch/none', 'source')
    need(got['complete'] and [one['found'] for one in got['reports']] ==
         [False, True], got)
    write(base + '/ch/480p')
    result, got = look(s, '-q', '480p,source')
    trouble(result, 'ch/480p: Not a directory')
    need(not got['complete'] and not got['reports'][0]['hours'] and
         got['reports'][1] == s.right['r.json']['reports'][0], 'the other')


@case('disks that are away')
def _(s):
    os.mkdir(s.root + '/empty')
    result, got = look(s, '-b', 'empty')
    trouble(result, 'empty: is empty: is it mounted?')
    need(not got['complete'], 'complete')
    os.symlink('/nowhere', s.root + '/base/ch/away')
    result, got = look(s, '-q', 'away')
    trouble(result, 'ch/away: No such file or directory')
    need(not got['complete'], 'complete')
    os.symlink('/nowhere', s.path('2025-11-15T04'))
    unread(s, look(s)[0], '2025-11-15T04', 'No such file or directory')


@case('links that loop, and paths that are too long')
def _(s):
    os.symlink('2025-11-15T04', s.path('2025-11-15T04'))
    unread(s, look(s)[0], '2025-11-15T04', 'Too many levels of symbolic links')
    os.unlink(s.path('2025-11-15T04'))
    long = '0' * 256
    result, got = look(s, long)
    trouble(result, 'File name too long')
    need(got['reports'][1] == s.right['r.json']['reports'][0], 'the other')
    result, got = look(s, '-q', long + ',source')
    trouble(result, 'File name too long')
    need(got['reports'][1] == s.right['r.json']['reports'][0], 'the other')


@case('without permission')
def _(s):
    os.makedirs(s.root + '/base/ch/low/' + s.HOURS[0])
    os.makedirs(s.root + '/base/other/source')
    closed = (s.path(s.HOURS[1]), s.root + '/base/ch/low',
              s.root + '/base/other')
    for mode, number in (0, 4), (0o111, 2):
        for path in closed:
            os.chmod(path, mode)
        s.outputs = []
        result = s.nobody('-n', '-q', 'source,low', '-r', '/dev/stdout',
                          'other')
        for path in closed:
            os.chmod(path, 0o755)
        need(result.status == 2 and result.err.count('Permission denied') >=
             number, result)
        need(s.HOURS[1] + ': Permission' in result.err and
             'ch/low: Permission' in result.err, result)
    os.chmod(s.path(s.HOURS[1]), 0)
    os.chmod(s.web, 0o777)
    result = s.nobody('-r', 'base/web/out.json')
    os.chmod(s.path(s.HOURS[1]), 0o755)
    result.out = read(s.web + '/out.json')
    unread(s, result, s.HOURS[1], 'Permission denied')


@case('errors on the way to an hour, and in the middle of its listing')
def _(s):
    hour = s.path(s.HOURS[0])
    live = s.path(s.HOURS[1])       # it is listed twice
    for fault, path in (
            ('openat:error=EACCES', hour), ('openat:error=EMFILE', hour),
            ('openat:error=ELOOP', hour), ('getdents64:error=EIO', hour),
            ('getdents64:error=EIO:when=2', hour),
            ('getdents64:error=EIO:when=3', live),
            ('getdents64:error=ESTALE', live), ('lseek:error=EIO', live)):
        result, _ = fails(s, fault, path)
        unread(s, result, os.path.basename(path), os.strerror(getattr(
            errno, fault.split('=')[1].split(':')[0])))
    for path in hour, s.path():
        result, got = fails(s, 'getdents64:error=EINTR:when=1', path)
        need(result.status == 0 and got == s.right['r.json'], 'interrupted',
             path, result)
    # of what fails in an hour the first is named
    rivals = ['00:06-%d.0-partial-Hash.ts' % number for number in (1, 2)]
    result, got = look(s, environment=TRACED, before=strace(
        ['newfstatat,statx:error=EIO'], paths=rivals))
    trouble(result, rivals[0] + ': Input/output error')
    need([os.path.basename(error['path']) for error in got['errors']] ==
         [rivals[0]] * 2, got['errors'])
    for fault in 'getdents64:error=EIO', 'getdents64:error=EIO:when=2', \
            'openat:error=EACCES':
        result, got = fails(s, fault, s.path())
        trouble(result, 'base/ch/source: ')
        need(not got['complete'] and not got['reports'][0]['hours'] and
             got['reports'][0]['raw']['coverage'] == 0, got)


@case('few file descriptors')
def _(s):
    for number in range(4, 24):
        s.hour('2025-11-15T%02d' % number)
    right = look(s)[1]
    counts = {hour['hour']: hour['segments']
              for hour in right['reports'][0]['hours']}
    unreadable = 0
    slowly = strace(['getdents64:delay_enter=20000'])
    for limit in 4, 5, 6, 7, 8, 12, 24:
        result, got = look(s, '-j', '64', environment=TRACED, before=[
            *slowly * (limit == 8), 'prlimit', '--nofile=%d' % limit])
        need(result.status in (0, 2), limit, result)
        need((result.status == 0) == (got == right), limit, 'not right')
        need(got['complete'] == (result.status == 0), limit, 'complete?')
        for hole in holes(got):
            need(hole in holes(right) or result.status == 2 and any(
                one[0] <= hole[0] and hole[1] <= one[1]
                for one in holes(right)), limit, 'a false hole', hole)
        for hour in got['reports'][0]['hours']:
            unreadable += not hour['readable']
            need(not hour['readable'] or
                 hour['segments'] == counts[hour['hour']], limit, hour)
    need(unreadable, 'it was never met')


@case('no process for the database')
def _(s):
    result = s.inject(['clone,clone3,fork,vfork:error=EAGAIN'],
                      '--connection-string', 'host=127.0.0.1 port=1')
    s.expect(result, 2, 'database: Resource temporarily unavailable',
             reading=True)
    need(s.old() == ['ch_source_coverage.html'], s.old())


@case('what is not a file is bad where the file system does not give types')
def _(s):
    name = s.path(s.HOURS[0], '00:10-2.0-full-%s.ts')
    os.mkdir(name % 'Dire')
    os.mkfifo(name % 'Fifo')
    os.symlink('nowhere', name % 'Link')
    wanted = look(s)[1]['reports']
    image, other = s.root + '/image', s.root + '/mount'
    with open(image, 'wb') as file:
        file.truncate(8 * MIB)
    if not can('mkfs.ext4', '-q', '-O', '^filetype,^has_journal', image):
        raise Skip('no mkfs.ext4')
    os.mkdir(other)
    with mounted(other, '-o', 'loop', image):
        need(can('cp', '-a', s.root + '/base/ch', s.root + '/base/segment',
                 other), 'no copy')
        got = report(spawn([PROGRAM, '-b', other, '--now', '2025-11-16', '-n',
                            '-f', 'json', 'ch']))
    need(got['reports'] == wanted and wanted[0]['segments']['bad']['count'] >
         3, 'types are not asked for', wanted[0]['segments'])


# What is large

def peak(s, *more):
    """A look, and the memory that it took."""
    code = ('import resource, subprocess, sys; '
            's = subprocess.run(sys.argv[1:]).returncode; '
            'print("peak", resource.getrusage(resource.RUSAGE_CHILDREN)'
            '.ru_maxrss, file=sys.stderr); sys.exit(s)')
    result = s.plain(*more, before=('python3', '-c', code))
    result.err, _, size = result.err.rpartition('peak ')
    return result, 0 if scene.SANITIZE else int(size) * 1024


@case('hours of 1936, 1970, 2999 and 9999: no map, little memory, the rest')
def _(s):
    for hour in ('1936-08-01T12', '1970-01-01T00', '2999-12-31T23',
                 '9999-12-31T23'):
        os.mkdir(s.path(hour))
        write(s.path(hour, '59:59-6.0-full-Hash.ts'))
    result, memory = peak(s, *s.command('--now', '9999-12-31T23:59')[3:-1])
    need(memory < 32 * MIB, '%d MiB' % (memory // MIB))
    trouble(result, 'ch_source_coverage.png: ', '--first-hour')
    need(len(result.err.splitlines()) == 1 and not s.left(), result, s.left())
    need('ch_source_coverage.png' in s.old() and not
         {'r.json', 'm.prom', 'ch_source_coverage.html'} & set(s.old()),
         s.old())
    got = json.loads(read(s.web + '/r.json'))
    need(got['complete'] and len(got['reports'][0]['hours']) == 6 and
         got['reports'][0]['segments']['full']['count'] == s.right['r.json'][
             'reports'][0]['segments']['full']['count'] + 4, 'not all counted')
    s.restore()
    s.run('--first-hour', s.HOURS[0], '--last-hour', s.HOURS[1])
    need(read(s.web + '/ch_source_coverage.png') ==
         s.right['ch_source_coverage.png'], 'the remedy')
    # the widest that there is
    for last, status in ('2026-04-01T01', 0), ('2026-04-01T02', 2):
        result = s.run('--first-hour', '2025-01-01T00', '--last-hour', last)
        need(result.status == status, last, result)
        need(read(s.web + '/ch_source_coverage.png')[16:20] == bytes([
            0, 0, 65532 // 256, 65532 % 256]), last, 'the width')


@case('a great many names, bad names and tombstones in an hour')
def _(s):
    many = 1000000 if FULL else 40000
    path = s.path('2025-11-15T05')
    os.mkdir(path)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(Skip):
            stack.enter_context(mounted(path, '-t', 'tmpfs', '-o', 'size=1g',
                                        'tmpfs'))
        for number in range(many):
            write('%s/%02d:%02d.%06d-2.0-full-%011d.ts' % (
                path, number % 3600 // 60, number % 60, number % 1000003,
                number))
        for number in range(many // 10):
            write('%s/bad %06d.ts' % (path, number))
            for kind in 'ts', 'tombstone':
                write('%s/00:00-2.0-full-%06d0.%s' % (path, number, kind))
        os.utime(path, (1000000000, 1000000000))
        # CPU time: a quadratic way would take minutes
        result, memory = peak(s, '-n', '-f', 'json', '-v')
    hour = report(result)['reports'][0]['hours'][-1]
    need(result.status == 0 and len(result.err.splitlines()) < 230 and
         '%d more' % (many // 10 - 100) in result.err, result)
    need([hour['segments'][kind]['count'] for kind in (
        'full', 'bad', 'tombstoned')] == [many, many // 10, many // 10],
         hour['segments'])
    need(hour['bad_names'] == ['bad %06d.ts' % n for n in range(100)], 'kept')
    need(memory <= 16 * MIB + many * 184, '%d MiB' % (memory // MIB))


# The first process of a container

def as_first(s, faults, sig=None):
    """A run as process 1 of its own; sig is sent while it reads."""
    first, trace = ['unshare', '--pid', '--fork'], s.root + '/trace'
    if not can(*first, 'true'):
        raise Skip('no process namespaces here')
    write(trace)
    process = s.start(before=strace(faults, out=trace) + first,
                      environment=TRACED)
    while sig and process.poll() is None:
        reading = re.match(rb'(\d+) +getdents64', read(trace))
        if reading:
            os.kill(int(reading[1]), sig)
            break
        time.sleep(0.01)
    return end(process)


@case('as the first process of a container a signal ends the run, too')
def _(s):
    if scene.SANITIZE == 'thread':
        raise Skip('the thread sanitizer delays signal handlers')
    for sig in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
        result = as_first(s, ['getdents64:delay_enter=300000'], sig)
        need(result.status == 128 + sig and not result.err + result.out.decode(
            ), sig, result)
        need(s.old() == s.outputs and not s.left(), s.old(), s.left())
    for call in 'write:when=1', 'renameat,rename,renameat2:when=1', \
            'fchmod:when=2':
        s.restore()
        name, when = call.split(':')
        result = as_first(s, ['%s:signal=TERM:%s' % (name, when)])
        need(result.status == 128 + signal.SIGTERM, call, result)
        result.status = 0 - signal.SIGTERM
        s.expect(result, -signal.SIGTERM, signals=(signal.SIGTERM,))


scene.main()
