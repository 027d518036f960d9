# SPDX-License-Identifier: MIT
"""The Test Anything Protocol, for the tests in Python."""
import sys
import traceback

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


def raises(kind, function, what):
    try:
        function()
    except kind as error:
        return ok(True, '%s (%s)' % (what, type(error).__name__))
    except Exception:
        return ok(False, what, traceback.format_exc())
    return ok(False, what, 'nothing was raised')


def done():
    """The last line of a test file."""
    print('1..%d' % count)
    sys.exit(failures != 0)
