"""A small archive and outputs that have been there before, for the tests that
make something fail: whatever happens, each output is the old one or whole.
"""
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import zlib

PROGRAM = os.path.abspath(os.environ.get(
    'SEGMENT_COVERAGE',
    os.path.join(sys.path[0], '..', 'segment-coverage')))
SANITIZE = os.environ.get('SANITIZE', '')
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.startswith('PG') and name != 'NO_COLOR'}
ENVIRONMENT.update(TZ='UTC', LC_ALL='C')
# strace and LeakSanitizer both want to be the tracer
TRACED = dict(ENVIRONMENT, ASAN_OPTIONS='detect_leaks=0')
ROOT = os.geteuid() == 0
OLD = b'as it was\n'
PREFIX = '.segment-coverage.tmp.'
LIMIT = 60          # seconds: longer is a hang
SAMPLE = re.compile(r'[a-z_]+\{channel="(?:[^"\\\n]|\\[n"\\])*",'
                    r'quality="(?:[^"\\\n]|\\[n"\\])*"'
                    r'(?:,hour="[-0-9T]+")?(?:,type="[a-z]+")?\} '
                    r'-?[0-9]+(?:\.[0-9]+)?')
COMMENT = re.compile(r'# (?:HELP [a-z_]+ .+|TYPE [a-z_]+ gauge)')


class Result:
    """How a run ended, and what it said; status below 0: of that signal."""

    def __init__(self, status, out, err, hung=False):
        self.status = status
        self.out = out
        self.err = err.decode(errors='replace')
        self.hung = hung

    def __repr__(self):
        return 'status %d%s, stdout %d bytes, stderr %r' % (
            self.status, ' (hung)' if self.hung else '', len(self.out),
            self.err[-600:])


def spawn(command, environment=ENVIRONMENT, limit=LIMIT, cwd=None, **streams):
    """Runs to its end, or kills it when that does not come."""
    for name in ('stdout', 'stderr'):
        streams.setdefault(name, subprocess.PIPE)
    streams.setdefault('stdin', subprocess.DEVNULL)
    process = subprocess.Popen(command, env=environment, cwd=cwd,
                               start_new_session=True, **streams)
    try:
        out, err = process.communicate(timeout=limit)
        return Result(process.returncode, out or b'', err or b'')
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        return Result(process.returncode, out or b'', err or b'', True)


def write(path, data=b''):
    with open(path, 'wb') as file:
        file.write(data)


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def png_is_whole(data):
    if not data.startswith(b'\x89PNG\r\n\x1a\n'):
        return False
    at, kind = 8, b''
    while at + 12 <= len(data):
        size, = struct.unpack_from('>I', data, at)
        kind = data[at + 4:at + 8]
        crc = data[at + 8 + size:at + 12 + size]
        if crc != struct.pack('>I', zlib.crc32(data[at + 4:at + 8 + size])):
            return False
        at += 12 + size
    return at == len(data) and kind == b'IEND'


def metrics_are_whole(data):
    lines = data.decode().split('\n')
    return (lines.pop() == '' and
            all(SAMPLE.fullmatch(line) or COMMENT.fullmatch(line)
                for line in lines) and
            'segment_coverage_run_complete{' in lines[-1])


def json_is_whole(data):
    try:
        return isinstance(json.loads(data.decode()), dict)
    except ValueError:
        return False


WHOLE = {
    'png': png_is_whole,
    'prom': metrics_are_whole,
    'json': json_is_whole,
    'html': lambda data: data.rstrip().endswith(b'</html>'),
    'txt': lambda data: data.endswith(b'\n'),
}


def is_whole(name, data):
    return WHOLE[name.rsplit('.', 1)[1]](data)


def metrics_plain(data, errors=True):
    """Without what differs from run to run, or with the number of errors."""
    kept = []
    for line in data.decode(errors='replace').splitlines():
        if line.startswith('segment_coverage_run_duration_seconds{'):
            continue
        if not errors and line.startswith('segment_coverage_run_errors{'):
            continue
        kept.append(line)
    return kept


def plain(name, data):
    """An output without what differs from run to run."""
    return metrics_plain(data) if name.endswith('.prom') else data


class Scene:
    """base/ holds the archive of channel ch; the outputs go to web/."""
    HOURS = ('2025-11-15T02', '2025-11-15T03')

    def __init__(self, root, hours=HOURS):
        self.root = root
        self.base = os.path.join(root, 'base')
        self.web = os.path.join(root, 'web')
        self.metrics = os.path.join(self.web, 'm.prom')
        os.makedirs(self.web, exist_ok=True)
        for number, name in enumerate(hours):
            self.hour(name, 'ch', number)
        self.outputs = []

    def hour(self, name, channel='ch', number=0):
        """An hour with all that makes a difference to the program."""
        path = os.path.join(self.base, channel, 'source', name)
        os.makedirs(path)
        for start, duration, kind, size in (
                ('00:00', '2.0', 'full', 0), ('00:02', '2.0', 'full', 0),
                ('00:02', '1.5', 'full', 0), ('00:06', '2.0', 'partial', 7),
                ('00:06', '1.0', 'partial', 5), ('00:07', '3.5', 'suspect', 3),
                ('00:20', '%d.25' % (number + 1), 'full', 0),
                ('00:40', '2.0', 'full', 0), ('00:50', '2.0', 'temp', 0)):
            write(os.path.join(path, '%s-%s-%s-Hash.ts' % (
                start, duration, kind)), b'x' * size)
        write(os.path.join(path, '00:40-2.0-full-Hash.tombstone'))
        write(os.path.join(path, 'bad.ts'))
        os.symlink('00:00-2.0-full-Hash.ts',
                   os.path.join(path, '00:30-2.0-full-Link.ts'))
        # so long ago that the listing is not taken twice
        os.utime(path, (1000000000, 1000000000))
        return path

    def path(self, *names):
        return os.path.join(self.base, 'ch', 'source', *names)

    def arguments(self, *more):
        return [PROGRAM, '-b', self.base, '--now', '2025-11-16', '-j', '1',
                '-f', 'json', '-m', self.metrics, '--output-dir', '../web',
                '--make-page', '--node', 'here=http://here.example', *more,
                'ch']

    def learn(self, *more):
        """A run that nothing happens to. Returns stdout and its outputs."""
        self.clear()
        result = spawn(self.arguments(*more))
        if result.status != 0 or result.err:
            raise RuntimeError('the run that should work: %r' % result)
        self.outputs = sorted(os.listdir(self.web))
        return result.out, self.look()

    def clear(self):
        shutil.rmtree(self.web, ignore_errors=True)
        os.makedirs(self.web)

    def restore(self):
        """Old outputs in place, and nothing else beside them."""
        for name in os.listdir(self.web):
            path = os.path.join(self.web, name)
            if name not in self.outputs:
                os.unlink(path)
        for name in self.outputs:
            path = os.path.join(self.web, name)
            write(path, OLD)

    def look(self):
        return {name: read(os.path.join(self.web, name))
                for name in os.listdir(self.web)}

    def run(self, *more, before=(), **keywords):
        return spawn([*before, *self.arguments(*more)], **keywords)

    def inject(self, faults, *more, paths=(), trace='', out='/dev/null',
               before=(), **keywords):
        """A run under strace with faults such as 'openat:error=EIO:when=2';
        what it traces, those calls and `trace`, goes to the file `out`."""
        calls = [fault.split(':')[0] for fault in faults] + [trace] * (
            trace != '')
        command = [*before, 'strace', '-f', '-qqq', '-o', out,
                   '-e', 'trace=' + ','.join(calls)]
        for path in paths:
            command += ['-P', path]
        for fault in faults:
            command += ['-e', 'inject=' + fault]
        return spawn([*command, *self.arguments(*more)], TRACED, **keywords)


def directory():
    path = tempfile.mkdtemp(prefix='coverage-test.')
    os.chmod(path, 0o755)
    return path


def remove(path):
    shutil.rmtree(path, ignore_errors=True)


def leftovers(scene):
    return [name for name in os.listdir(scene.web)
            if name not in scene.outputs]


def torn(scene):
    """The outputs that are neither the old ones nor whole."""
    return [name for name, data in scene.look().items()
            if name in scene.outputs and data != OLD and
            not is_whole(name, data)]
