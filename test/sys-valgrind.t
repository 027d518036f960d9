#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""valgrind finds no leak and no invalid access, if something is wrong, too.

The sanitizers run all tests, but look for no leaks in those with strace.
"""
import os
import sys

sys.dont_write_bytecode = True
import scene

ALL = 'definite,indirect,possible,reachable'
OUTPUTS = ('--sizes', '--known', 'known', '--peer', 'other=peer.json', '-v')
RUNS = (
    # name, exit status, kinds of leaks, fault of strace's, arguments
    ('all outputs', 0, ALL, '', OUTPUTS),
    ('text', 0, ALL, '', ('-f', 'text', '-r', 'base/web/r.txt', '-a', '-j',
                          '4', '--first-hour', '2025-11-15T03')),
    ('--check', 1, ALL, '', ('-c', '--max-age', '60')),
    ('wrong usage', 2, 'definite,indirect', '', (
        '--node', 'n=http://n', '--node', 'n=ftp://n', '-t', '-1')),
    ('nothing that can be read', 2, ALL, '', (
        '-q', 'file,away,source', 'none')),
    ('an hour that cannot be read', 2, ALL, 'getdents64:error=EIO:when=6', ()),
    ('no threads', 0, ALL, 'clone,clone3:error=EAGAIN', ('-j', '4')),
    ('no output that can be written', 2, ALL,
     'renameat,rename,renameat2:error=EXDEV', OUTPUTS),
    ('a full stdout', 2, ALL, '', ('-r', '/dev/full')),
    ('a map that is too wide, and a directory that is a file', 2, ALL, '', (
        '--first-hour', '2000-01-01', '-r', 'base/file/r.json')),
    ('no database', 2, ALL, '', ('--connection-string', 'host=127.0.0.1 '
                                 'port=1 password=SECRET')),
)


def clean(s, status, kinds, fault, more):
    s.run('-r', 'peer.json')
    scene.write(s.root + '/known', b'ch\tsource\t2025-11-15T02:00:10Z\t'
                b'2025-11-15T02:00:12Z\n')
    scene.write(s.root + '/base/file')
    scene.write(s.root + '/base/ch/file')
    os.symlink('nowhere', s.root + '/base/ch/away')
    os.symlink('2025-11-15T05', s.path('2025-11-15T05'))
    if status != 2 or fault:
        os.unlink(s.path('2025-11-15T05'))
    log = s.root + '/log'
    before = ['valgrind', '-q', '--vgdb=no', '--child-silent-after-fork=yes',
              '--error-exitcode=99', '--leak-check=full',
              '--show-leak-kinds=' + kinds,
              '--errors-for-leak-kinds=' + kinds, '--log-file=' + log]
    if fault:
        before = scene.strace([fault], out='trace') + before
    result = s.run(*more, before=before, environment=scene.TRACED)
    found = scene.read(log).decode()
    scene.need(result.status == status and not found, found, result)
    scene.need(not fault or b'INJECTED' in scene.read(s.root + '/trace'),
               'the fault was not met')
    scene.need('SECRET' not in result.err, result)


if scene.SANITIZE:
    print('1..0 # skip sanitizers do not go with it')
else:
    for name, *run in RUNS:
        scene.case(name)(lambda s, run=run: clean(s, *run))
    scene.main()
