#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a user can see of each output: the old file or the new one, whole, and
nothing left behind. Arguments choose cases by a word of their names."""
import contextlib
import json
import os
import re
import shutil
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
import scene
from scene import (NOBODY, OLD, PROGRAM, ROOT, TEMPORARY, TRACED, Skip, can,
                   case, end, mounted, need, read, settled, sh, spawn, start,
                   strace, write)

MAP = 'ch_source_coverage.'
PAGE = '--make-page', '--node', 'n=http://n'


def mode(*names):
    return {oct(os.lstat(os.path.join(*names)).st_mode & 0o7777)[2:]}


def many_hours(s):
    """More than a pipe or a buffer holds."""
    for day in range(1, 15):
        for hour in range(24):
            name = '2025-11-%02dT%02d' % (day, hour)
            os.mkdir(s.path(name))
            write(s.path(name, '00:00-2.0-full-Hash.ts'))


# What is written, and where

@case('the same bytes and modes in any locale, zone, umask and directory')
def _(s):
    locales, gone, base = [s.root + name for name in (
        '/locales', '/gone', '/base')]
    os.mkdir(locales)
    made = [name for name in ('de_DE', 'tr_TR') if can(
        'localedef', '--no-archive', '-i', name, '-f', 'UTF-8',
        os.path.join(locales, name + '.UTF-8'))]
    for name in s.outputs:
        if name.endswith('.json'):
            s.right[name]['base_dir'] = base
    for locale, zone, mask in (
            ('C', 'Asia/Kolkata', '077'), ('C.UTF-8', 'Nowhere/At/All', '0'),
            *[(name + '.UTF-8', 'America/St_Johns', '777') for name in made]):
        s.restore()
        os.mkdir(gone)
        # the C library loses what it makes of LOCPATH
        result = s.run(
            '-v', '-b', base, '-r', s.at('r.json'), '-m', s.at('m.prom'),
            before=sh('cd gone && rmdir ../gone && umask %s && exec "$@"' %
                      mask),
            environment=dict(TRACED, LC_ALL=locale, TZ=zone, LOCPATH=locales))
        for name in s.outputs:
            need(result.err.count('web/%s: written\n' % name) == 1, result)
            need(mode(s.web, name) == {'644'}, name, mode(s.web, name))
        result.err = ''
        s.expect(result, 0)
    if len(made) < 2:
        raise Skip('only the locales C and C.UTF-8')


@case('missing directories are made for maps, readable, and only for them')
def _(s):
    result = s.run('--output-dir', './/one/./two/', '-m', 'no/m.prom',
                   before=sh('umask 077; exec "$@"'))
    need(result.status == 2 and result.err == 'segment-coverage: no/m.prom: '
         'its directory does not exist: make it\n', result)
    need(not os.path.exists(s.root + '/no'), 'made')
    need(mode(s.root, 'base/one') | mode(s.root, 'base/one/two') == {'755'},
         'not for everybody')
    need(os.path.exists(s.root + '/base/one/two/' + MAP + 'png'), 'no map')
    need(b'http://here.example/segments/one/two/' + MAP.encode() in read(
        s.root + '/base/one/two/' + MAP + 'html'), 'where the page has it')
    write(s.root + '/base/file')
    result = s.run('--output-dir', 'file/maps')
    need(result.status == 2 and 'base/file/maps/' in result.err and
         'Not a directory' in result.err and not read(s.root + '/base/file'),
         result)
    # an absolute path is not below the base directory
    result = s.plain('-f', 'none', '--output-dir', s.root + '/maps')
    need(result.status == 0 and not result.err and mode(
        s.root, 'maps', MAP + 'png') == {'644'}, result)
    # one that exists keeps its mode
    os.chmod(s.web, 0o2750)
    s.expect(s.run(), 0)
    need(mode(s.web) == {'2750'}, mode(s.web))


@case('a link in the place of a directory just made is not followed')
def _(s):
    one, victim = s.root + '/base/one', s.root + '/victim'
    os.mkdir(victim)
    run = start([*strace(['mkdirat:delay_exit=500000:when=1']), PROGRAM, '-b',
                 'base', '--output-dir', 'one/two', 'ch'], TRACED, cwd=s.root)
    while not os.path.exists(one) and run.poll() is None:
        time.sleep(0.01)
    os.rename(one, one + '.old')
    os.symlink(victim, one)
    need(end(run).status == 2 and not os.listdir(victim), 'followed')


# What is replaced, and what is not

@case('files are replaced, not rewritten; links to directories are followed')
def _(s):
    for number, name in enumerate(s.outputs):
        kept = os.path.join(s.root, name)
        os.rename(s.at(name), kept)
        if number < 2:
            os.link(kept, s.at(name))
        else:
            os.symlink(('../../' + name, kept, 'nowhere')[number - 2],
                       s.at(name))
    s.expect(s.run(), 0)
    for name in s.outputs:
        need(not os.path.islink(s.at(name)), 'a link yet', name)
        need(read(os.path.join(s.root, name)) == OLD, 'rewritten', name)
    os.rename(s.web, s.root + '/elsewhere')
    os.symlink('../elsewhere', s.web)
    s.restore()
    s.expect(s.run(), 0)


@case('directories are not replaced, nor what is no file, nor links to these')
def _(s):
    os.mkfifo(s.root + '/fifo')
    for make in (os.mkdir, os.mkfifo, lambda path: os.mknod(path, 0o140644),
                 '../../fifo', '/dev/null', '..', '/proc/self/fd/1'):
        s.restore()
        for name in s.outputs:
            os.unlink(s.at(name))
            if callable(make):
                make(s.at(name))
            else:
                os.symlink(make, s.at(name))
        before = {name: os.lstat(s.at(name))[:2] for name in s.outputs}
        # stdout may be a file today
        with open(s.root + '/file', 'wb') as file:
            result = s.run(limit=10, stdout=file)
        need(result.status == 2 and not result.hung and not s.left() and
             not read(s.root + '/file'), make, result, s.left())
        says = 'is a directory: give' if make in (os.mkdir, '..') else \
            'not a regular file'
        # without its map there is no twin
        need(result.err.count(': ' + says) == len(s.outputs) - 1, make, result)
        need(before == {name: os.lstat(s.at(name))[:2] for name in s.outputs},
             'replaced')


@case('one that fails does not stop the others, and the report has it')
def _(s):
    for bad in s.outputs:
        s.restore()
        os.unlink(s.at(bad))
        os.mkdir(s.at(bad))
        result = s.run()
        os.rmdir(s.at(bad))
        write(s.at(bad), OLD)
        s.expect(result, 2, bad)
        need(s.old() in ([bad], [MAP + 'json', MAP + 'png']), bad, s.old())
        report = read(s.at('r.json'))
        need(bad == 'r.json' or [error['path'] for error in json.loads(
            report)['errors']] == ['base/web/' + bad], report)


@case('two outputs that are one file are refused, however they are spelled')
def _(s):
    os.symlink('.', s.root + '/here')
    maps = 'base/coverage-maps/'
    os.mkdir(os.path.join(s.root, maps))
    for target, more in (
            ('same', ['-n', '-r', 'same', '-m', './same']),
            ('same', ['-n', '-r', 'here/same', '-m', s.root + '/same']),
            (maps + MAP + 'png', ['-r', maps + MAP + 'png']),
            (maps + MAP + 'json', ['-m', 'here/' + maps + MAP + 'json']),
            (maps + MAP + 'html', ['-m', maps + MAP + 'html', *PAGE])):
        path = os.path.join(s.root, target)
        for old in False, True:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            if old:
                write(path, OLD)
            result = s.plain('-f', 'json', *more)
            need(result.status == 2 and re.fullmatch(
                '.*%s.* give two names.*\n' % os.path.basename(target),
                result.err), more, result)
            data = read(path) if os.path.exists(path) else OLD
            need(data == OLD or any(scene.whole(kind, data) for kind in (
                '.png', '.json', '.html', '.prom')), more, 'torn')
    # the same name in two directories is no such thing
    result = s.plain('-n', '-f', 'json', '-r', 'same', '-m', maps + 'same')
    need(result.status == 0, result)


# What fails

@case('a full disk, and one that fills up in the middle')
def _(s):
    with mounted(s.web, '-t', 'tmpfs', '-o', 'size=128k', 'tmpfs'):
        for less in 0, 4096, 16384, 24576:
            s.restore()
            with open(s.at('filler'), 'wb', buffering=0) as file:
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(4096))
                os.truncate(file.fileno(), file.tell() - less)
            result = s.run()
            os.unlink(s.at('filler'))
            s.expect(result, result.status)
            need(less or s.old() == s.outputs, 'written', s.old())
            need(less > 4096 or 'No space left on device' in result.err,
                 result)


@case('files that may not grow so large')
def _(s):
    s.failed(s.run(before=('prlimit', '--fsize=10')),
             'm.prom: File too large', 'r.json: File too large')


@case('a directory that may not be written to')
def _(s):
    os.chmod(s.web, 0o555)
    result = s.nobody()
    os.chmod(s.web, 0o755)
    s.failed(result, 'm.prom: Permission denied')


@case('no map that nobody asked for: a note, not trouble')
def _(s):
    s.nobody('--version')       # makes the copy
    base = ('--now', '2025-11-16', '-b', 'base', 'ch')
    command = [*(NOBODY if ROOT else ()), s.root + '/segment-coverage']
    os.chmod(s.root + '/base', 0o555)
    for made in False, True:
        if made:
            os.chmod(s.root + '/base', 0o755)
            os.mkdir(s.root + '/base/coverage-maps', 0o555)
        result = spawn([*command, *base], cwd=s.root)
        need(result.status == 0 and not result.err, result)
        need(b'no map: permission denied; -n to only look' in
             result.out.lower(), result)
        for more in ['--output-dir', 'coverage-maps'], PAGE:
            result = spawn([*command, *more, *base], cwd=s.root)
            need(result.status == 2 and 'ermission denied' in result.err,
                 result)
    # said once for all maps
    shutil.rmtree(s.root + '/base/coverage-maps')
    os.mkdir(s.root + '/base/ch/low')
    result = s.plain('-q', 'source,low', '--first-hour', s.HOURS[0],
                     '--last-hour', s.HOURS[1], environment=TRACED,
                     before=strace(['mkdirat:error=EROFS']))
    need(result.status == 0 and not result.err and result.out.count(
        b'no map: Read-only file system;') == 1, result)


@case('messages name the true reason')
def _(s):
    misled = re.compile('regular file|is a directory:|not exist|make it|give')
    rename = 'rename,renameat,renameat2'
    for call, error, says in (
            ('fchmod,fchmodat,chmod', 'EPERM', 'Operation not permitted'),
            ('fchmod,fchmodat,chmod', 'EOPNOTSUPP', 'Operation not supported'),
            (rename, 'ENOENT', 'No such file or directory'),
            (rename, 'EISDIR', 'Is a directory'),
            (rename, 'EXDEV', 'Invalid cross-device link'),
            (rename, 'EACCES', 'Permission denied'),
            ('close', 'EIO', 'Input/output error'),
            ('write', 'EIO', 'Input/output error')):
        s.restore()
        # of other files too a write or a close would fail
        paths = [s.at(name) for name in temporaries(s)
                 ] if call in ('write', 'close') else ()
        s.restore()
        result = s.inject(['%s:error=%s' % (call, error)], paths=paths)
        s.failed(result)
        for line in result.err.splitlines():
            need(says in line and not misled.search(line.replace(says, '')),
                 call, error, line)


# Standard streams

@case('stdout: full, closed, and with any of the others')
def _(s):
    for more in ['-f', 'text'], ['-f', 'json'], ['-f', 'holes'], ['--check']:
        for where, says in (('>/dev/full', 'stdout: No space left on device'),
                            ('>&-', 'stdout: Bad file descriptor')):
            s.restore()
            result = s.plain('-n', '-m', 'base/web/m.prom', *more,
                             before=sh('exec "$@" ' + where))
            need(result.status == 2 and says in result.err and (
                '--check' in more or len(result.err.splitlines()) == 1),
                 where, more, result)
            need(read(s.at('m.prom')) != OLD, 'no metrics')
    for where in ('<&- >&-', '>&- 2>&-', '<&- >&- 2>&-', '<&- 2>&-', '2>&-',
                  '2>/dev/full', '<&-', '>/dev/full'):
        s.restore()
        # no output ends up in what takes the number of a stream
        result = s.run('-v', before=sh('exec "$@" ' + where))
        result.err = ''
        s.expect(result, 0)
    for option in '--help', '--version':
        for where in '>/dev/full', '>&-':
            result = spawn([*sh('exec "$@" ' + where), PROGRAM, option])
            need(result.status == 2 and len(result.err.splitlines()) == 1,
                 option, where, result)


@case("stdout's reader has gone")
def _(s):
    for ignored in False, True:
        s.restore()
        reader, writer = os.pipe()
        os.close(reader)
        result = s.plain('-m', 'base/web/m.prom', stdout=writer, before=sh(
            '%sexec "$@"' % ("trap '' PIPE; " * ignored)))
        os.close(writer)
        need((result.status, result.err) == (
            (2, 'segment-coverage: stdout: Broken pipe\n') if ignored else
            (-signal.SIGPIPE, '')), result)
        need(settled('m.prom', read(s.at('m.prom'))) == s.right['m.prom'],
             'the metrics')


@case('a long report: torn at once, and to a slow reader with interruptions')
def _(s):
    many_hours(s)
    right = s.plain('-n', '-f', 'json')
    need(right.status == 0 and len(right.out) > 200000, right)
    # the first piece is not written; a sanitizer's own writes come first
    for form in () if scene.SANITIZE == 'thread' else ('text', 'json', 'holes'):
        result = s.plain('-n', '-a', '-f', form, environment=TRACED,
                         before=strace(['write:error=EIO:when=1']))
        need(result.status == 2 and 'stdout' in result.err, form, result)
    for _ in range(3):
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        process = start([PROGRAM, '-b', 'base', '--now', '2025-11-16', '-n',
                         '-f', 'json', 'ch'], cwd=s.root, stdout=writer)
        os.close(writer)
        got = []
        thread = threading.Thread(target=lambda: [
            got.append(data) for data in iter(
                lambda: (time.sleep(0.002), os.read(reader, 9999))[1], b'')])
        thread.start()
        while process.poll() is None:
            for sig in signal.SIGSTOP, signal.SIGCONT:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, sig)
                time.sleep(0.0005)
        thread.join()
        os.close(reader)
        result = end(process)
        need(result.status == 0 and not result.err, result)
        need(b''.join(got) == right.out, 'other bytes')


# Several runs at once

@case('two and ten runs at once, while somebody reads')
def _(s):
    torn, reads, stopped = [], [0], threading.Event()

    def reading():
        while not stopped.is_set():
            for name in s.outputs:
                data = read(s.at(name))
                reads[0] += 1
                if data != OLD and settled(name, data) != s.right[name]:
                    torn.append(name)

    for number in 2, 10, 10:
        s.restore()
        stopped.clear()
        thread = threading.Thread(target=reading)
        thread.start()
        results = [end(run) for run in [s.start() for _ in range(number)]]
        stopped.set()
        thread.join()
        for result in results:
            s.expect(result, 0)
    need(reads[0] > 50 and not torn, 'torn: %s, %d reads' % (torn, reads[0]))
    # nor does one wait for another
    s.restore()
    slow = s.start(environment=TRACED, before=strace(
        ['rename,renameat,renameat2:delay_enter=500000']))
    while not s.left():
        time.sleep(0.01)
    other = s.run(limit=20)
    need(other.status == 0 and slow.poll() is None, other, slow.poll())
    s.expect(end(slow), 0)
    # nor loses its file to one that finds it before it is locked
    for slowly in (), strace(['rename,renameat,renameat2:delay_enter=700000:'
                              'when=1']):
        s.restore()
        slow = s.start(environment=TRACED, before=strace(
            ['flock:delay_enter=500000:when=1']))
        while not s.left() and slow.poll() is None:
            time.sleep(0.01)
        s.expect(s.run(environment=TRACED, before=slowly), 0)
        s.expect(end(slow), 0)


# What others put there

def temporaries(s, number=0):
    """The temporary names that a run uses."""
    trace = '%s/names%d' % (s.root, number)
    s.restore()
    s.expect(s.run(environment=TRACED, before=[
        'strace', '-f', '-qqq', '-s', '999', '-o', trace]), 0)
    found = set(re.findall(r'[^"/]*%s[^"/]*' % re.escape(TEMPORARY),
                           read(trace).decode(errors='replace')))
    need(found, 'no temporary names?')
    return found


@case('planted temporary names are not followed, nor emptied')
def _(s):
    # those of every run, or something like them
    names = temporaries(s) & temporaries(s, 1) or {TEMPORARY, TEMPORARY + '0'}
    victim = s.root + '/base/victim'

    def directory(path):
        os.mkdir(path)
        write(path + '/precious', b'precious')

    for plant in ('../victim', '../made', '/dev/zero',
                  lambda path: os.link(victim, path), os.mkfifo, directory,
                  lambda path: write(path, b'left' * 99999)):
        s.restore()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(victim)
        write(victim, b'precious')
        os.chmod(victim, 0o600)
        for name in names:
            if callable(plant):
                plant(s.at(name))
            else:
                os.symlink(plant, s.at(name))
        for _ in range(2):
            result = s.run(limit=20)
            for name in s.left():
                need(name in names, plant, 'left behind: %s' % name)
                need(plant is directory, plant, 'a leftover stays')
                need(read(s.at(name) + '/precious') == b'precious', 'emptied')
            need(read(victim) == b'precious' and mode(victim) == {'600'},
                 plant, 'the victim: %r, %s' % (read(victim), mode(victim)))
            need(not os.path.exists(s.root + '/base/made'), plant, 'followed')
            need(result.status == 0 and not result.hung, plant, result)
            need(all(settled(name, read(s.at(name))) == s.right[name]
                     for name in s.outputs), plant, 'not right')


@case('files of others with names like ours stay')
def _(s):
    names = ['.m.prom', '.segment', '.segment-coverage', '.segment-coveragex',
             'm.prom.tmp', MAP + 'png~', 'segment-coverage.tmp']
    for name in names:
        write(s.at(name), b'mine')
    need(s.run().status == 0 and s.left() == sorted(names) and all(
        read(s.at(name)) == b'mine' for name in names), s.left())


scene.main()
