# SPDX-License-Identifier: MIT
"""The Test Anything Protocol, for the tests in Python."""
import functools
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile

PROGRAM = shutil.which(os.environ.get('SEGMENT_COVERAGE', os.path.join(
    os.path.dirname(__file__), '..', 'segment-coverage')))
PROGRAM = os.path.abspath(PROGRAM or sys.exit('no segment-coverage'))
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.startswith('PG') and name != 'NO_COLOR'}
ENVIRONMENT.update(TZ='UTC', LC_ALL='C')
count = failures = 0


def ok(passed, what, *diagnostics):
    """One test; the diagnostics are shown where it failed."""
    global count, failures
    count += 1
    what = what.replace('#', '')
    if passed:
        print('ok %d - %s' % (count, what), flush=True)
        return True
    failures += 1
    print('not ok %d - %s' % (count, what), flush=True)
    for text in ('failed: ' + what,) + diagnostics:
        for line in str(text).splitlines():
            print('# ' + line, file=sys.stderr)
    return False


def same(got, wanted, what):
    return ok(got == wanted, what, 'got:    %r' % (got,),
              'wanted: %r' % (wanted,))


def skip(what, why):
    global count
    count += 1
    print('ok %d - %s # skip %s' % (count, what, why), flush=True)


class Mismatch(Exception):
    """What differs, for people."""


def run(*arguments):
    """A run of the program: its exit status, stdout and stderr."""
    done = subprocess.run(
        [PROGRAM, *arguments], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
        capture_output=True, encoding='utf-8', timeout=120, check=False)
    if done.returncode not in (0, 2, int('-c' in arguments)):
        raise Mismatch('%s\nexit status %d: %s' % (
            ' '.join(done.args), done.returncode, done.stderr))
    return done.returncode, done.stdout, done.stderr


def attempt(function, seed):
    base = tempfile.mkdtemp(prefix='coverage-test.', dir='/dev/shm' if
                            os.access('/dev/shm', os.W_OK) else None)
    try:
        return seed, function(random.Random(seed), base), None
    except Exception as error:  # whatever it is, it has a seed
        return seed, None, 'SEED=%d %s\n%s: %s' % (
            seed, sys.argv[0], type(error).__name__, error)
    finally:
        if 'KEEP' in os.environ:
            print('# seed %d: %s' % (seed, base), file=sys.stderr)
        else:
            shutil.rmtree(base)


def seeds(function, most):
    """A test of each seed: function(chance, base), with a directory, raises
    what is wrong. Returns what it returned. SEEDS=N takes the seeds 1 to N,
    SEED=K only that one; with KEEP=1 the directories stay."""
    os.environ.update(TZ='UTC', LC_ALL='C')
    chosen = [int(os.environ['SEED'])] if 'SEED' in os.environ else range(
        1, int(os.environ.get('SEEDS', most)) + 1)
    found = []
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for seed, result, wrong in pool.imap(
                functools.partial(attempt, function), chosen):
            found.append(result)
            ok(not wrong, 'seed %d' % seed, wrong or '')
    return found


def done():
    """The last line of a test file."""
    print('1..%d' % count)
    sys.exit(failures != 0)
