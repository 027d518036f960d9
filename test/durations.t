#!/usr/bin/python3
"""A million random durations: the program's microseconds are CPython's."""

import datetime
import pathlib
import random
import re
import subprocess

COUNT = 1000000
SEED = 20251115
MAX = 3600 * 10**6
MICROSECOND = datetime.timedelta(microseconds=1)
PARSE = pathlib.Path(__file__).resolve().with_name("parse")
GRAMMAR = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE]\+?[0-9]+)?", re.ASCII)


def wanted(text):
    if not GRAMMAR.fullmatch(text):
        return "bad"
    seconds = float(text)
    if seconds > 4000:
        return "bad"
    us = datetime.timedelta(seconds=seconds) // MICROSECOND
    return str(us) if us <= MAX else "bad"


def digits(rng, most):
    return "".join(rng.choices("0123456789", k=rng.randint(1, most)))


def plain(rng):
    return f"{rng.randint(0, 12)}.{digits(rng, 6)}"


def repeated(rng):
    """What Python prints of a float: up to 17 digits."""
    return repr(rng.uniform(0, rng.choice((3, 60, 3610))))


def long_fraction(rng):
    return f"{rng.randint(0, 3605)}.{digits(rng, 40)}"


def half(rng):
    """On or beside a half of a microsecond."""
    tail = rng.choice(("5", "50", "4999999999", "5000000001", "49999999999999",
                       "50000000000000000001", "4" + 30 * "9"))
    whole = rng.choice((0, 1, 2, 3, 5, 60, 1800, 3599, 3600))
    return f"{whole}.{rng.randint(0, 999999):06d}{tail}"


def exponent(rng):
    point = rng.choice(("", ".", "." + digits(rng, 9)))
    sign = rng.choice(("", "+"))
    return (f"{digits(rng, 3)}{point}{rng.choice('eE')}{sign}"
            f"{rng.choice((0, 1, 2, 3, 4, 10, 300, 400, 10**25))}")


def small_exponent(rng):
    zeros = "0" * rng.randint(0, 20)
    return f"0.{zeros}{digits(rng, 20)}e{rng.randint(0, 24)}"


def border(rng):
    return f"{rng.choice((3599, 3600))}.{rng.choice('09') * 6}{digits(rng, 9)}"


def whole(rng):
    return rng.choice(("", "0", "000")) + digits(rng, 5) + rng.choice(("", "."))


def spoilt(rng):
    """Anything that can be made of a number's characters."""
    return "".join(rng.choices("0123456789..eE+-_ xinfa", k=rng.randint(1, 7)))


KINDS = (plain, repeated, long_fraction, half, exponent, small_exponent,
         border, whole, spoilt)


def main():
    rng = random.Random(SEED)
    texts = [KINDS[i % len(KINDS)](rng) for i in range(COUNT)]
    done = subprocess.run([PARSE, "--durations"], text=True, check=True,
                          input="\n".join(texts) + "\n", capture_output=True)
    got = done.stdout.splitlines()
    wrong = {kind.__name__: [] for kind in KINDS}
    for i, (text, us) in enumerate(zip(texts, got)):
        if us != wanted(text):
            wrong[KINDS[i % len(KINDS)].__name__].append((text, us))
    print(f"1..{len(KINDS) + 1}")
    print(f"{'ok' if len(got) == COUNT else 'not ok'} 1 - {len(got)} answers")
    for i, (kind, cases) in enumerate(wrong.items()):
        print(f"{'not ok' if cases else 'ok'} {i + 2} - {kind}")
        for text, us in cases[:5]:
            print(f"# {text}: got {us}, wanted {wanted(text)}")
    return len(got) != COUNT or any(wrong.values())


raise SystemExit(main())
