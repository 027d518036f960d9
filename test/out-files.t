#!/usr/bin/python3
"""What a user can see of each output: the old file or the new one, whole, and
nothing left behind. Arguments choose cases by a word of their names."""
import contextlib
import json
import os
import re
import signal
import socket
import stat
import sys
import threading
import time

sys.dont_write_bytecode = True
import scene
from scene import (NOBODY, OLD, PROGRAM, ROOT, TEMPORARY, TRACED, Skip, can,
                   case, end, need, read, settled, sh, spawn, start, strace,
                   write)


def mode(path):
    return oct(os.lstat(path).st_mode & 0o7777)[2:]


def modes(s, *directories):
    """Everybody may read all outputs, and the directories."""
    for name in s.outputs:
        need(mode(os.path.join(s.web, name)) == '644', name,
             mode(os.path.join(s.web, name)))
    for name in directories:
        need(mode(os.path.join(s.root, name)) == '755', name,
             mode(os.path.join(s.root, name)))


def fill(s, less=0):
    """Fills the disk up, but for so many bytes."""
    filler = os.path.join(s.root, 'base/web/filler')
    with open(filler, 'wb', buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
    os.truncate(filler, os.path.getsize(filler) - less)


def many(s):
    """More hours than a pipe or a buffer holds of."""
    for day in range(1, 15):
        for hour in range(24):
            name = '2025-11-%02dT%02d' % (day, hour)
            os.mkdir(s.path(name))
            write(s.path(name, '00:00-2.0-full-Hash.ts'))


# What is written, and where

@case('all outputs, and each is named with -v')
def _(s):
    os.rename(s.web, s.web + '.away')
    result = s.run('-v')
    need(result.status == 0 and not result.out, result)
    for name in 'r.json', 'm.prom', 'ch_source_coverage.png', \
            'ch_source_coverage.html', 'ch_source_coverage.json':
        need(name in s.outputs, 'no ' + name, s.outputs)
        need(result.err.count('web/%s: written\n' % name) == 1, name, result)
    need(not s.left(), s.left())
    modes(s, 'base/web')


@case('without anything to do with outputs, nothing is written')
def _(s):
    os.rename(s.web, s.web + '.away')
    before = sorted(os.walk(s.root))
    need(s.plain('-n', '-v').status == 0, 'not 0')
    need(s.plain('--check').status == 1, '--check')
    need(before == sorted(os.walk(s.root)), 'something is made')


@case('one of each for every quality there is')
def _(s):
    for name in 'low', 'other':
        os.makedirs(os.path.join(s.root, 'base/ch', name))
    os.rename(s.path(s.HOURS[0]), os.path.join(
        s.root, 'base/ch/low', s.HOURS[0]))
    s.run('-q', 'source,low,none', '--output-dir', 'maps')
    names = os.listdir(os.path.join(s.root, 'base/maps'))
    need({'ch_source_coverage.png', 'ch_low_coverage.png',
          'ch_source_coverage.html', 'ch_low_coverage.html'} <= set(names),
         names)
    need('ch_none_coverage.png' not in names, names)


@case('the same bytes and modes in any locale, time zone, umask and directory')
def _(s):
    locales = os.path.join(s.root, 'locales')
    os.mkdir(locales)
    made = [name for name in ('de_DE', 'tr_TR') if can(
        'localedef', '--no-archive', '-i', name, '-f', 'UTF-8',
        os.path.join(locales, name + '.UTF-8'))]
    gone = s.root + '/gone'
    command = s.command('-b', s.root + '/base', '-r', s.web + '/r.json',
                        '-m', s.web + '/m.prom')
    s.right['r.json']['base_dir'] = s.root + '/base'
    for name in s.right:
        if name.startswith('ch') and name.endswith('.json'):
            s.right[name]['base_dir'] = s.root + '/base'
    for locale, zone, mask in (
            ('C', 'Asia/Kolkata', '077'), ('C.UTF-8', 'Nowhere/At/All', '0'),
            *[(name + '.UTF-8', 'America/St_Johns', '777') for name in made]):
        s.restore()
        os.mkdir(gone)
        # the C library loses what it makes of LOCPATH
        s.done(spawn([*sh('cd "%s" && rmdir "%s" && umask %s && exec "$@"' % (
            gone, gone, mask)), *command], dict(
                TRACED, LC_ALL=locale, TZ=zone, LOCPATH=locales), cwd=s.root))
        modes(s)
    if len(made) < 2:
        raise Skip('only the locales C and C.UTF-8')


@case('missing directories are made for maps, readable, and only for them')
def _(s):
    result = s.run('--output-dir', 'one/two/three', '-m', 'no/m.prom',
                   before=sh('umask 077; exec "$@"'))
    need(result.status == 2 and result.err == 'segment-coverage: no/m.prom: '
         'its directory does not exist: make it\n', result)
    need(not os.path.exists(os.path.join(s.root, 'no')), 'made')
    for name in 'base/one', 'base/one/two', 'base/one/two/three':
        need(mode(os.path.join(s.root, name)) == '755', name)
    need('ch_source_coverage.png' in os.listdir(os.path.join(
        s.root, 'base/one/two/three')), 'no map')


@case('a directory of outputs that exists keeps its mode')
def _(s):
    os.chmod(s.web, 0o2750)
    s.done(s.run())
    need(mode(s.web) == '2750', mode(s.web))


# What is replaced, and what is not

@case('files are replaced, not rewritten')
def _(s):
    os.mkdir(s.root + '/kept')
    for name in s.outputs:
        os.link(os.path.join(s.web, name), os.path.join(s.root, 'kept', name))
    s.done(s.run())
    for name in s.outputs:
        need(read(os.path.join(s.root, 'kept', name)) == OLD, name)


@case('links to files are replaced, not followed; links to directories are')
def _(s):
    for number, name in enumerate(s.outputs):
        path = os.path.join(s.web, name)
        os.rename(path, os.path.join(s.root, name))
        os.symlink(('../../' + name, os.path.join(s.root, name), 'nowhere')[
            number % 3], path)
    s.done(s.run())
    for name in s.outputs:
        need(not os.path.islink(os.path.join(s.web, name)), 'a link yet', name)
        need(read(os.path.join(s.root, name)) == OLD, 'followed', name)
    os.rename(s.web, s.root + '/elsewhere')
    os.symlink('../elsewhere', s.web)
    s.restore()
    s.done(s.run())


@case('directories are not replaced, nor what is no file, nor links to these')
def _(s):
    def make_socket(path):
        with socket.socket(socket.AF_UNIX) as unix:
            here = os.open(os.path.dirname(path), os.O_RDONLY)
            unix.bind('/proc/self/fd/%d/%s' % (here, os.path.basename(path)))
            os.close(here)

    def make_node(path):
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        except PermissionError:
            os.mkfifo(path)
    fifo = s.root + '/fifo'
    os.mkfifo(fifo)
    for make, says in ((os.mkdir, ': is a dir'), (os.mkfifo, ': not a reg'),
                       (make_socket, ': not a reg'), (make_node, ': not a reg'),
                       (lambda path: os.symlink(fifo, path), ': not a reg'),
                       (lambda path: os.symlink('/dev/null', path), ': not a reg'),
                       (lambda path: os.symlink('..', path), ': is a dir'),
                       (lambda path: os.symlink('/proc/self/fd/1', path),
                        ': not a reg')):
        s.restore()
        stats = {}
        for name in s.outputs:
            path = os.path.join(s.web, name)
            os.unlink(path)
            make(path)
            stats[name] = os.lstat(path)
        result = s.run(limit=10)
        need(result.status == 2 and not result.hung, result)
        need(all(name in result.err for name in s.outputs
                 if not name.endswith('coverage.json')), result)
        for line in result.err.splitlines():
            need(says in line, 'it does not say "%s"' % says, line)
        need(not s.left(), s.left())
        for name in s.outputs:
            now = os.lstat(os.path.join(s.web, name))
            need((now.st_ino, now.st_mode) == (
                stats[name].st_ino, stats[name].st_mode), name, 'replaced')
    # and given by name; stdout may be a file today
    os.symlink('/proc/self/fd/1', s.root + '/stdout')
    for path in '/dev/null', 'fifo', 'stdout':
        with open(s.root + '/file', 'wb') as file:
            result = s.plain('-n', '-f', 'none', '-m', path, limit=10,
                             stdout=file)
        need(result.status == 2 and not result.hung and path in result.err,
             path, result)
    need(os.path.islink(s.root + '/stdout') and not read(s.root + '/file'),
         'replaced')


@case('one that fails does not stop the others, and the report has it')
def _(s):
    for bad in s.outputs:
        s.restore()
        path = os.path.join(s.web, bad)
        os.unlink(path)
        os.mkdir(path)
        result = s.run()
        os.rmdir(path)
        write(path, OLD)
        s.expect(result, 2, bad)
        need(s.old() == [bad] or bad.endswith('png') and
             s.old() == [bad.replace('.png', '.json'), bad], bad, s.old())
        if bad != 'r.json':
            report = json.loads(read(s.web + '/r.json'))
            need([error['path'].rsplit('/')[-1] for error in report[
                'errors']] == [bad] and report['complete'], report['errors'])


@case('two outputs that are one file are refused, however they are spelled')
def _(s):
    os.symlink('.', s.root + '/here')
    maps = 'base/coverage-maps/'
    os.mkdir(os.path.join(s.root, maps))
    page = ['--make-page', '--node', 'n=http://n']
    one = 'ch_source_coverage.'
    for name, more in (
            ('same', ['-n', '-r', 'same', '-m', 'same']),
            ('same', ['-n', '-r', 'same', '-m', './same']),
            ('same', ['-n', '-r', 'here/same', '-m', s.root + '/same']),
            (one + 'png', ['-r', maps + one + 'png']),
            (one + 'png', ['-m', 'here/' + maps + one + 'png']),
            (one + 'json', ['-r', maps + one + 'json']),
            (one + 'html', ['-m', maps + one + 'html', *page])):
        target = os.path.join(s.root, '' if name == 'same' else maps, name)
        for old in False, True:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(target)
            if old:
                write(target, OLD)
            result = s.plain('-f', 'json', *more)
            need(result.status == 2 and len(result.err.splitlines()) == 1 and
                 name in result.err, more, result)
            # what is there is whole
            data = read(target) if os.path.exists(target) else OLD
            need(data == OLD or any(scene.whole(kind, data) for kind in (
                '.png', '.json', '.html', '.prom')), more, 'torn')


# What fails

@case('a full disk')
def _(s):
    with s.disk('size=64k'):
        s.outputs.append('filler')
        fill(s)
        filler = read(s.web + '/filler')
        s.outputs.pop()
        s.right['filler'] = filler
        result = s.run()
        os.unlink(s.web + '/filler')
        s.failed(result, 'm.prom: No space left on device')
        s.done(s.run())


@case('a disk that fills up in the middle of the outputs')
def _(s):
    with s.disk('size=128k'):
        for less in 4096, 8192, 16384, 24576:
            s.restore()
            fill(s, less)
            result = s.run()
            os.unlink(s.web + '/filler')
            s.expect(result, result.status)
            need(less > 4096 or s.old(), 'all fitted')


@case('a disk without inodes')
def _(s):
    with s.disk('size=1m,nr_inodes=%d' % (len(s.outputs) + 1)):
        s.failed(s.run(), 'm.prom: No space left on device')


@case('files that may not grow so large')
def _(s):
    s.failed(s.run(before=('prlimit', '--fsize=10')),
             'm.prom: File too large', 'r.json: File too large')


@case('a read-only file system')
def _(s):
    with s.disk('size=1m'):
        if not can('mount', '-o', 'remount,ro', s.web):
            raise Skip('no read-only mounts here')
        s.failed(s.run(), 'm.prom: Read-only file system')


@case('a directory that may not be written to')
def _(s):
    os.chmod(s.web, 0o555)
    result = s.nobody()
    os.chmod(s.web, 0o755)
    s.failed(result, 'm.prom: Permission denied')


@case('no map that nobody asked for: a note, not trouble')
def _(s):
    copy = s.nobody('--version')
    base = ('--now', '2025-11-16', '-b', 'base', 'ch')
    command = [*(NOBODY if ROOT else ()), s.root + '/segment-coverage']
    os.chmod(s.root + '/base', 0o555)
    for made in False, True:
        if made:
            os.mkdir(s.root + '/base/coverage-maps')
            os.chmod(s.root + '/base/coverage-maps', 0o555)
        result = spawn([*command, *base], cwd=s.root)
        need(result.status == 0 and not result.err, result)
        need(b'no map: permission denied; -n to only look' in result.out.lower(),
             result)
        for more in ['--output-dir', 'coverage-maps'], [
                '--make-page', '--node', 'n=http://n']:
            result = spawn([*command, *more, *base], cwd=s.root)
            need(result.status == 2 and 'ermission denied' in result.err,
                 result)
    need(copy.status == 0, copy)


@case('a directory that is missing and cannot be made')
def _(s):
    write(s.root + '/base/file')
    result = s.run('--output-dir', 'file/maps', '-m', 'none/m.prom')
    need(result.status == 2 and 'base/file/maps' in result.err and
         'Not a directory' in result.err and 'none/m.prom' in result.err,
         result)
    need(read(s.root + '/base/file') == b'', 'overwritten')
    report = json.loads(read(s.web + '/r.json'))
    need(dict(report, errors=[]) == s.right['r.json'], 'the report')


@case('an immutable file')
def _(s):
    paths = [os.path.join(s.web, name) for name in s.outputs]
    if not can('chattr', '+i', *paths):
        raise Skip('no chattr +i here')
    try:
        result = s.run()
    finally:
        spawn(['chattr', '-i', *paths])
    s.failed(result, 'm.prom: Operation not permitted')


@case('messages name the true reason')
def _(s):
    misled = re.compile('neither a file|not a regular file|is a directory|'
                        'does not exist|make it|give', re.I)
    for call, error, says in (
            ('fchmod,fchmodat,chmod', 'EOPNOTSUPP', 'Operation not supported'),
            ('fchmod,fchmodat,chmod', 'EPERM', 'Operation not permitted'),
            ('rename,renameat,renameat2', 'ENOENT',
             'No such file or directory'),
            ('rename,renameat,renameat2', 'EISDIR', 'Is a directory'),
            ('rename,renameat,renameat2', 'EXDEV',
             'Invalid cross-device link'),
            ('rename,renameat,renameat2', 'EACCES', 'Permission denied'),
            ('write,writev,pwrite64', 'EIO', 'Input/output error'),
            ('write,writev,pwrite64', 'EOPNOTSUPP', 'Operation not supported')):
        s.restore()
        result = s.inject(['%s:error=%s' % (call, error)])
        if call.startswith('fchmod') and result.status == 0:
            s.done(result)      # a file system without modes is no trouble
            continue
        if call.startswith('write'):
            # stderr cannot be written either
            need(result.status == 2 and s.old() == s.outputs and not s.left(),
                 call, error, result)
            continue
        s.failed(result)
        for line in result.err.splitlines():
            need(says in line and not misled.search(
                line.replace(says, '')), call, error, line)


# Standard streams

@case('stdout: full, closed, and with any of the others')
def _(s):
    for more in ['-f', 'text'], ['-f', 'json'], ['-f', 'holes'], ['-a']:
        for script, says in (('exec "$@" >/dev/full', 'No space left'),
                             ('exec "$@" >&-', 'Bad file descriptor')):
            result = s.plain('-n', '-m', 'base/web/m.prom', *more,
                             before=sh(script))
            need(result.status == 2 and says in result.err and
                 'stdout' in result.err and len(
                     result.err.splitlines()) == 1, script, more, result)
            need(read(s.web + '/m.prom') != OLD, 'no metrics')
    for streams in ('<&- >&-', '>&- 2>&-', '<&- >&- 2>&-', '<&- 2>&-', '2>&-',
                    '2>/dev/full', '<&-', '>/dev/full'):
        s.restore()
        # the outputs do not end up in what takes the number of a stream
        result = s.run('-v', before=sh('exec "$@" ' + streams))
        need(result.status == 0, streams, result)
        need(not s.old() and not s.left() and all(
            settled(name, data) == s.right[name]
            for name, data in s.look().items()), streams, s.old())
    for option in '--help', '--version':
        for streams in '>/dev/full', '>&-':
            result = spawn([*sh('exec "$@" ' + streams), PROGRAM, option])
            need(result.status == 2 and len(result.err.splitlines()) == 1,
                 option, streams, result)


@case("stdout's reader has gone")
def _(s):
    for ignored in False, True:
        s.restore()
        reader, writer = os.pipe()
        os.close(reader)
        command = s.command()
        at = command.index('-r')
        del command[at:at + 2]
        result = spawn([*sh('%sexec "$@"' % (
            "trap '' PIPE; " if ignored else '')), *command], cwd=s.root,
                       stdout=writer)
        os.close(writer)
        if ignored:
            need(result.status == 2 and 'stdout: Broken pipe' in result.err,
                 result)
        else:
            need(result.status == -signal.SIGPIPE and not result.err, result)
        need(s.old() == ['r.json'] and not s.left(), s.old(), s.left())


@case('a report larger than a buffer, whose first piece is not written')
def _(s):
    if scene.SANITIZE == 'thread':
        raise Skip("that sanitizer's own writes come first")
    many(s)
    for form in 'text', 'json':
        result = s.plain('-n', '-a', '-f', form, environment=TRACED,
                         before=strace(['write:error=EIO:when=1']))
        need(result.status == 2 and 'stdout' in result.err, form, result)


@case('a slow reader, and a run that is stopped and continued all the while')
def _(s):
    many(s)
    command = [PROGRAM, '-b', 'base', '-n', '-f', 'json', '--now',
               '2025-11-16', 'ch']
    right = spawn(command, cwd=s.root)
    need(right.status == 0 and len(right.out) > 200000, right)
    for _ in range(3):
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        process = start(command, cwd=s.root, stdout=writer)
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
    torn, reads, stop = [], [0], threading.Event()

    def reading():
        while not stop.is_set():
            for name, data in s.look().items():
                reads[0] += 1
                if name in s.outputs and data != OLD and \
                        settled(name, data) != s.right[name]:
                    torn.append(name)

    for number in 2, 10, 10:
        s.restore()
        stop.clear()
        thread = threading.Thread(target=reading)
        thread.start()
        results = [end(run) for run in [s.start() for _ in range(number)]]
        stop.set()
        thread.join()
        for result in results:
            s.done(result)
    need(reads[0] > 50, 'only %d reads' % reads[0])
    need(not torn, 'torn: %s' % torn)


@case('ten runs at once, one directory, different targets')
def _(s):
    names = ['%d.prom' % n for n in range(10)]
    runs = [s.start('-m', 'base/web/' + name) for name in names]
    for result in [end(run) for run in runs]:
        need(result.status == 0 and not result.err, result)
    for name in names:
        need(settled(name, read(os.path.join(s.web, name))) == settled(
            name, read(s.web + '/0.prom')), name)
        need(scene.whole(name, read(os.path.join(s.web, name))), 'torn')
    need(s.left() == names, s.left())


# What others put there

def temporaries(s, number=0):
    """The temporary names that a run uses."""
    trace = '%s/names%d' % (s.root, number)
    s.restore()
    s.done(s.run(environment=TRACED, before=[
        'strace', '-f', '-qqq', '-s', '999', '-o', trace]))
    found = re.findall(r'[^"/]*%s[^"/]*' % re.escape(TEMPORARY),
                       read(trace).decode(errors='replace'))
    need(found, 'no temporary names?')
    return sorted(set(found))


@case('planted temporary names are not followed, nor emptied')
def _(s):
    names = sorted(set(temporaries(s)) & set(temporaries(s, 1))) or [
        TEMPORARY, TEMPORARY + 'tmp', TEMPORARY + 'XXXXXX']
    victim = s.root + '/base/victim'

    def plants(kind, path):
        if kind == 'link':
            os.symlink('../victim', path)
        elif kind == 'link to nowhere':
            os.symlink('../made', path)
        elif kind == 'hard link':
            os.link(victim, path)
        elif kind == 'FIFO':
            os.mkfifo(path)
        elif kind == 'device':
            os.symlink('/dev/zero', path)
        elif kind == 'directory':
            os.mkdir(path)
            write(path + '/precious', b'precious')
        elif kind == 'file that nobody may read':
            write(path, b'left')
            os.chmod(path, 0)
        else:
            write(path, b'left' * 99999)

    for kind in ('link', 'link to nowhere', 'hard link', 'FIFO', 'device',
                 'directory', 'file that nobody may read', 'leftover'):
        s.restore()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(victim)
        write(victim, b'precious')
        os.chmod(victim, 0o600)
        for name in names:
            plants(kind, os.path.join(s.web, name))
        for _ in range(3):
            result = s.run(limit=20)
            left = s.left()
            need(set(left) <= set(names), kind, 'left behind: %s' % left)
            for name in left:
                path = os.path.join(s.web, name)
                need(kind != 'leftover', 'a leftover stays')
                if kind == 'directory':
                    need(read(path + '/precious') == b'precious', 'emptied')
            need(read(victim) == b'precious' and mode(victim) == '600', kind,
                 'the victim: %r, %s' % (read(victim), mode(victim)))
            need(not os.path.exists(s.root + '/base/made'), kind, 'followed')
            need(result.status == 0 and not result.hung, kind, result)
            need(all(settled(name, s.look()[name]) == s.right[name]
                     for name in s.outputs), kind, 'not right')
            modes(s)


@case('files of others with names like ours stay')
def _(s):
    names = ['.segment-coverage', '.segment-coveragex', 'segment-coverage.tmp',
             '.segment', '.m.prom', 'm.prom.tmp', 'ch_source_coverage.png~']
    for name in names:
        write(os.path.join(s.web, name), b'mine')
    result = s.run()
    need(result.status == 0 and s.left() == sorted(names), s.left(), result)
    need(all(read(os.path.join(s.web, name)) == b'mine' for name in names),
         'overwritten')


@case('making the directory follows nothing that is put in its place')
def _(s):
    trace = s.root + '/trace'
    secret = {name: os.path.join(s.root, name) for name in ('file', 'dir')}
    write(secret['file'], b'secret')
    os.mkdir(secret['dir'])
    command = [PROGRAM, '-b', 'base', '-f', 'none', '--output-dir', 'new',
               'ch']
    result = spawn(['strace', '-f', '-o', trace, *command], TRACED, cwd=s.root)
    need(result.status == 0, result)
    counts, calls = {}, []
    for line in read(trace).decode().splitlines():
        call = re.match(r'\d+ +(\w+)\(', line)
        if call is None:
            continue
        counts[call[1]] = counts.get(call[1], 0) + 1
        if calls or call[1].startswith('mkdir'):
            calls.append((call[1], counts[call[1]]))
    need(calls, 'the directory was not made')
    new = s.root + '/base/new'
    for number, (call, n) in enumerate(calls[:40]):
        os.chmod(secret['file'], 0o600)
        os.chmod(secret['dir'], 0o700)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new) if os.path.islink(new) else os.rename(
                new, '%s.%d' % (new, number))
        stopped = scene.stop(command, call, n, cwd=s.root)
        if stopped is None:
            continue            # another run has other calls
        if os.path.isdir(new):
            os.rename(new, '%s.%da' % (new, number))
            os.symlink(secret[('file', 'dir')[number % 2]], new)
        result = stopped()
        need(not result.hung, call, n, 'hangs', result)
        for name, wanted in ('file', '600'), ('dir', '700'):
            need(mode(secret[name]) == wanted, call, n,
                 'made it %s' % mode(secret[name]))
        need(read(secret['file']) == b'secret', 'overwritten')


scene.main()
