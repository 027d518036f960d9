# SPDX-License-Identifier: MIT
"""A small archive and a run that writes every output, for the tests in which
something goes wrong.

Whatever happens, each output is the old file or the new one, whole, and
nothing is left beside it. Scene.judge() says where a run broke that.
"""
import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
import types

import tap
from tap import ENVIRONMENT, PROGRAM

SANITIZE = os.environ.get('SANITIZE', '')
# strace and LeakSanitizer both want to be the tracer
TRACED = dict(ENVIRONMENT, ASAN_OPTIONS='detect_leaks=0')
NOMEM = os.path.join(sys.path[0], 'nomem.so')
ROOT = os.geteuid() == 0
NOBODY = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')
OLD = b'as it was\n'
TEMPORARY = '.segment-coverage.'
LIMIT = 60          # seconds: longer is a hang
UNTIMED = re.compile(rb'^segment_coverage_run_duration_seconds\{.*\n', re.M)
ERRORS = re.compile(rb'^segment_coverage_run_errors\{.*\n', re.M)
FLEET = re.compile(rb'^(?:# \w+ )?segment_coverage_(?:fleet|peer)_.*\n', re.M)
INCOMPLETE = re.compile(rb'^segment_coverage_run_complete\{.*\} 0$', re.M)


class Skip(Exception):
    """Why it cannot be made to happen here."""


class Failed(Exception):
    """What is wrong."""


def need(truth, *what):
    if not truth:
        raise Failed('; '.join(str(part) for part in what))


def start(command, environment=ENVIRONMENT, **keywords):
    for name in 'stdout', 'stderr':
        keywords.setdefault(name, subprocess.PIPE)
    keywords.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.Popen(command, env=environment, start_new_session=True,
                            **keywords)


def end(process, limit=LIMIT):
    """Waits for the end, and makes one where none comes. Returns how it was,
    and what was said; a status below 0 is a signal."""
    hung = False
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        hung = True
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
    return types.SimpleNamespace(
        out=out or b'', err=(err or b'').decode(errors='replace'),
        status=process.returncode, hung=hung)


def spawn(command, *arguments, **keywords):
    return end(start(command, *arguments, **keywords))


def can(*command):
    return shutil.which(command[0]) and spawn(command).status == 0


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def write(path, data=b''):
    with open(path, 'wb') as file:
        file.write(data)


def strace(faults, trace='', paths=(), out='/dev/null', follow=True):
    """The start of a command with faults like openat:error=EIO:when=2, in any
    thread or the first alone; `out` gets a trace of the calls with faults and
    of `trace`."""
    calls = [fault.split(':')[0] for fault in faults] + [trace] * bool(trace)
    return ['strace', *['-f'] * follow, '-qqq', '-o', out, '-e',
            'trace=' + ','.join(calls),
            *[part for path in paths for part in ('-P', path)],
            *[part for fault in faults for part in ('-e', 'inject=' + fault)]]


def sh(script):
    """The start of a command that the shell runs as "$@" in the script."""
    return ['sh', '-c', script, 'sh']


def whole(name, data):
    """Nothing is missing at the end of this output."""
    if name.endswith('.png'):
        return data.endswith(b'IEND\xaeB`\x82')
    if name.endswith('.json'):
        with contextlib.suppress(ValueError):
            return isinstance(json.loads(data), dict)
        return False
    return data.endswith(b'</html>\n' if name.endswith('.html') else b'\n')


def settled(name, data):
    """An output without its time, and without the errors of other outputs."""
    if name.endswith('.prom'):
        return ERRORS.sub(b'', UNTIMED.sub(b'', data))
    if name.endswith('.json') and whole(name, data):
        return dict(json.loads(data), errors=[])
    return data


def holes(report):
    return [(hole['start'], hole['end']) for one in report['reports']
            for hole in one['raw']['holes']]


def local(report):
    """What it says of this node."""
    return [{key: value for key, value in one.items() if key != 'fleet'}
            for one in report['reports']]


class Scene:
    """Below root, where all paths start: base/ch/source is the archive,
    base/web has the outputs."""
    HOURS = ('2025-11-15T02', '2025-11-15T03')

    def __init__(self, root, hours=HOURS):
        self.root = root
        self.web = os.path.join(root, 'base/web')
        self.outputs = []
        os.makedirs(self.web)
        for number, name in enumerate(hours):
            self.hour(name, number)
        # of the future: what an hour that changes needs is done
        os.utime(self.path(hours[-1]), (4000000000, 4000000000))
        self.right = self.learn()
        self.restore()

    def hour(self, name, number=0):
        """An hour with all that makes a difference to the program."""
        os.makedirs(self.path(name))
        for segment, size in (
                ('00:00-2.0-full', 1), ('00:02-2.0-full', 1),
                ('00:02-1.5-full', 1), ('00:06-2.0-partial', 7),
                ('00:06-1.0-partial', 5), ('00:07-3.5-suspect', 3),
                ('00:20-%d.25-full' % (number + 1), 1),
                ('00:40-2.0-full', 1), ('00:50-2.0-temp', 1)):
            write(self.path(name, segment + '-Hash.ts'), b'x' * size)
        write(self.path(name, '00:40-2.0-full-Hash.tombstone'))
        write(self.path(name, 'bad.ts'))
        if number == 0:
            write(os.path.join(self.root, 'base/segment'), b'x')
            os.symlink('../../../segment',
                       self.path(name, '00:30-2.0-full-Link.ts'))
        os.utime(self.path(name), (1000000000, 1000000000))

    def path(self, *names):
        return os.path.join(self.root, 'base/ch/source', *names)

    def at(self, name):
        return os.path.join(self.web, name)

    def command(self, *more):
        nodes = () if '--connection-string' in more else (
            '--node', 'here=http://here.example')
        return [PROGRAM, '-b', 'base', '--now', '2025-11-16', '-j', '1', '-f',
                'json', '-r', 'base/web/r.json', '-m', 'base/web/m.prom',
                '--output-dir', 'web', '--make-page', *nodes, *more, 'ch']

    def start(self, *more, before=(), **keywords):
        return start([*before, *self.command(*more)], cwd=self.root,
                     **keywords)

    def run(self, *more, limit=LIMIT, **keywords):
        return end(self.start(*more, **keywords), limit)

    def inject(self, faults, *more, before=(), paths=(), trace='',
               out='/dev/null', follow=True):
        """A run with faults of strace(1)'s."""
        return self.run(*more, environment=TRACED, before=[
            *strace(faults, trace, paths, out, follow), *before])

    def plain(self, *more, before=(), limit=LIMIT, **keywords):
        """A run with these options and no others."""
        return end(start([*before, PROGRAM, '-b', 'base', '--now',
                          '2025-11-16', *more, 'ch'], cwd=self.root,
                         **keywords), limit)

    def look(self):
        return {name: read(self.at(name))
                for name in os.listdir(self.web)
                if os.path.isfile(self.at(name))}

    def learn(self, *more):
        """The outputs of a run that nothing happens to, settled."""
        for name in os.listdir(self.web):
            os.unlink(self.at(name))
        result = self.run(*more)
        need(result.status == 0 and not result.err + result.out.decode(),
             'the run that should work', result)
        files = self.look()
        self.outputs = sorted({*self.outputs, *files})
        return {name: settled(name, data) for name, data in files.items()}

    def restore(self):
        """Old outputs, and nothing else beside them."""
        for name in os.listdir(self.web):
            path = self.at(name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        for name in self.outputs:
            write(self.at(name), OLD)

    def left(self):
        return sorted(set(os.listdir(self.web)) - set(self.outputs))

    def old(self):
        return [name for name in self.outputs if self.look().get(name) == OLD]

    def judge(self, result, signals=(), reading=False, others=()):
        """What is wrong with how a run ended. The signals may have killed it.
        If it had trouble with reading, reports may say that they are not
        complete. The others are outputs that are right, too."""
        if result.hung:
            return ['it hangs']
        wrong, old, files = [], [], self.look()
        if result.status not in (0, 2, *[-sig for sig in signals]):
            wrong.append('it ends with %d' % result.status)
        if (result.status == 2) != bool(result.err):
            wrong.append('its status is not what stderr says')
        if not all(line.startswith('segment-coverage: ')
                   for line in result.err.splitlines()):
            wrong.append('foreign words on stderr')
        if self.left() and -result.status != signal.SIGKILL:
            wrong.append('left behind: %s' % self.left())
        for name in self.outputs:
            data = files.get(name)
            if data is None:
                wrong.append('%s has gone' % name)
            elif data == OLD:
                old.append(name)
            elif not any(settled(name, data) == one.get(name)
                         for one in (self.right, *others)):
                wrong += self.judge_new(name, data, reading)
        if result.status == 0 and not any(
                all(files.get(name, OLD) == OLD if name not in one else
                    settled(name, files.get(name, b'')) == one[name]
                    for name in self.outputs)
                for one in (self.right, *others)):
            wrong.append('exit 0, but not all was done (old: %s)' % old)
        if result.status == 2 and 'out of memory' not in result.err:
            # there may be nothing to draw, and without a map is no twin
            wrong += ['not a word of %s' % name for name in old
                      if name not in result.err and not (
                          name.startswith('ch_') and (reading or name.replace(
                              '.json', '.png') in result.err))]
            report = files.get('r.json', b'')
            if 'r.json' not in result.err and whole('r.json', report) and \
                    not json.loads(report)['errors']:
                wrong.append('the report knows of no error')
        return wrong

    def judge_new(self, name, data, reading):
        """What is wrong with an output that is neither old nor right."""
        if not whole(name, data):
            return ['%s is torn' % name]
        if not reading:
            return ['%s is wrong' % name]
        if name.endswith('.prom') and not INCOMPLETE.search(data) and \
                FLEET.sub(b'', settled(name, data)) != FLEET.sub(
                    b'', self.right[name]):
            return ['%s is wrong, and "complete"' % name]
        if name.endswith('.json'):
            report = json.loads(data)
            if not report['complete'] and report['errors']:
                pass
            elif not (report['errors'] and local(report) == local(
                    self.right[name])):
                return ['%s is wrong, and "complete"' % name]
            if any('.ts' in error['path'] for error in report['errors']):
                return []       # whether it is a segment is not known
            right = holes(self.right[name])
            return ['%s: false hole %s' % (name, hole)
                    for hole in holes(report) if not any(
                        one[0] <= hole[0] and hole[1] <= one[1]
                        for one in right)]
        return []

    def expect(self, result, status, *says, **keywords):
        """The run ended so, said that, and broke nothing."""
        need(result.status == status, 'not exit status %d' % status, result)
        wrong = self.judge(result, **keywords)
        need(not wrong, *wrong, result)
        for words in says:
            need(words in result.err, 'it does not say %r' % words, result)

    def failed(self, result, *says):
        """Trouble with every output: all are the old ones."""
        self.expect(result, 2, *says)
        need(self.old() == self.outputs, 'new: not only %s' % self.old())

    def nobody(self, *more):
        """A run as a user without rights."""
        copy = os.path.join(self.root, 'segment-coverage')
        shutil.copy(PROGRAM, copy)
        os.chmod(copy, 0o755)
        before = NOBODY if ROOT else ()
        if not can(*before, copy, '--version'):
            raise Skip('no other user can run the program here')
        return spawn([*before, copy, *self.command(*more)[1:]], cwd=self.root)


@contextlib.contextmanager
def mounted(path, *arguments):
    """Something mounted on path, if this machine allows it."""
    if not ROOT:
        raise Skip('only root can mount')
    result = spawn(['mount', *arguments, path])
    if result.status != 0:
        raise Skip('no mount here: %s' % result.err.strip())
    try:
        yield
    finally:
        spawn(['umount', '--lazy', path])


@contextlib.contextmanager
def directory():
    with tempfile.TemporaryDirectory(
            prefix='coverage-test.', ignore_cleanup_errors=True) as path:
        os.chmod(path, 0o755)
        yield path


cases = []


def case(name):
    """Registers a test: a function of a Scene, which raises Failed."""
    return lambda function: cases.append((name, function))


def perform(name, function, root):
    try:
        function(Scene(root))
        return name, None, None
    except Skip as why:
        return name, 'skip', why
    except Failed as failed:
        return name, 'failed', failed
    except Exception:
        return name, 'failed', traceback.format_exc()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def main():
    """Runs the cases, or those with a word of the arguments in the name."""
    chosen = [one for one in cases if not sys.argv[1:] or
              any(word in one[0] for word in sys.argv[1:])]
    with directory() as root, concurrent.futures.ThreadPoolExecutor(
            os.cpu_count()) as pool:
        for name, outcome, why in pool.map(
                lambda one: perform(*one[1], os.path.join(root, str(one[0]))),
                enumerate(chosen)):
            if outcome == 'skip':
                tap.skip(name, why)
            else:
                tap.ok(outcome is None, name, str(why)[-3000:])
    tap.done()
