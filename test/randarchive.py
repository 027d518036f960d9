# SPDX-License-Identifier: MIT
"""Random archives, small and full of everything that happens in one.

make(chance, base) builds BASE/ch/QUALITY/... and returns what a test needs to
aim its windows and tolerances.  The same seed makes the same archive.
"""
import os

import model

SECOND = model.SECOND
HOUR = model.HOUR
FIRST_HOUR = model.parse_hour(b'0001-01-01T00')
LAST_HOUR = model.parse_hour(b'9999-12-31T23')

# where archives begin: ordinary days and the edges of the calendar
BEGINNINGS = (
    '2025-11-15T02', '2025-11-14T21', '2024-02-28T22', '2024-02-29T21',
    '2023-02-28T22', '2023-12-31T21', '2100-02-28T22', '2000-02-28T23',
    '1999-12-31T22', '1969-12-31T22', '1936-03-01T00', '0001-01-01T00',
    '9999-12-31T16', '2038-01-19T02',
)
TOLERANCES = (0, 1, 1000, 9999, 10000, 10001, 50000, SECOND, 30 * SECOND,
              300 * SECOND)
# durations as downloaders, and others, have spelt them
SPELLINGS = (
    '2', '2.', '.5', '2.002', '5.005000000000001', '1E+1', '2.0000005', '0',
    '0.0000005', '0.0000015', '2.0078125', '2.0234375', '1.9999999',
    '002.000', '.2e01', '3600', '3600.0000001', '3599.9999999', '36E2',
    '0.0000000000000000000000000000000000001e+30', '4.170666666666667',
    '0' * 180 + '2', '2e' + '0' * 180 + '1', '2.0023' + '5' * 170,
    '2.0000005000000000000000000000001',
)
HASHES = ('ab', 'abc', 'abcd', 'A-_9', '-_', '__-', 'zz', '0000000000',
          '7IS92rssMzoSBQDIevHStbTNy-URRV3Vw-jzZ6pwOZM')
BAD_NAMES = tuple(name.encode('utf-8', 'surrogateescape') for name in (
    'x', '---', '00:00-2.0-full', '00:00-2.0--ab', '00:00--full-ab',
    '60:00-2.0-full-ab', '00:60-2.0-temp-ab', '0:00-2.0-full-ab',
    '00:00.-2.0-full-ab', '00:00.1234567-2.0-full-ab', '+0:00-2.0-full-ab',
    '\u0660\u0660:00-2.0-full-ab', '00:00-+2-full-ab', '00:00-inf-full-ab',
    '00:00-1e309-full-ab', '00:00-1e-3-full-ab', '00:00-.-full-ab',
    '00:00-2,0-full-ab', '00:00-3600.0000006-full-ab', '00:00-36e3-full-ab',
    '00:00-1e99999999999999999999-full-ab', '00:00-2.0-FULL-ab',
    '00:00-2.0-fulll-ab', '00:00-2.0-full-', '00:00-2.0-full-abcde',
    '00:00-2.0-full-ab=', '00:00-2.0-suspect-\u00e4b', 'q"uo\'te',
    'back\\sl', 'new\nline', '\x1b[31mred', '\x01', 'tab\t', '\x7f',
    '\u202egnp', '\u2028', '\ufffd', '\U0001f3a5', '<script>', 'a' * 252,
    '9' * 200 + '-2.0-full-ab', '00:00-2.0-full-ab.ts', '%s%n',
    '\udcff', 'a\udc80b', '\udce2\udc82x', '\udcc0\udc80',
    '\udced\udca0\udc80', '\udcf4\udc90\udc80\udc80', '\udcf0\udc9f\udc8e',
    '\udce2\u20ac', '00:00-2.0-full-\udcff\udcfe'))
OTHER_NAMES = (
    b'chat.json', b'.hidden.ts', b'.ts', b'x.TS', b'00:00-2.0-full-ab',
    b'00:00-2.0-full-ab.ts.part', b'.x.tombstone', b'orphan.tombstone',
    b'ts', b'\xff.json')
STRAYS = (b'README', b'zzz', b'2025-11-15T02.bak', b'2025-11-15T2',
          b'2025-11-15t02', b'2025-11-15T24', b'1900-02-29T00',
          b'0000-01-01T00', b'2025-11-15T02\n', b'10000-01-01T00',
          b'\xff\xfe', b'.2025-11-15T02', b'2025-11-15')


def spell(chance, micros):
    """One of the ways to write a duration."""
    plain = '%d.%06d' % divmod(micros, SECOND)
    short = plain.rstrip('0')
    ways = [plain, short, short + '0', '0' + plain, plain + '000',
            repr(micros / SECOND), short + 'e0', short + 'E+00',
            short.lstrip('0'), short.rstrip('.')]
    return chance.choice([
        way for way in ways
        if model.parse_duration(way.encode()) == micros])


class Archive:
    def __init__(self, chance, base):
        self.chance, self.base = chance, base
        self.tolerance = chance.choice(TOLERANCES)  # its gaps play with it
        self.qualities = ['source']
        self.marks = []             # hours walked through: worth a bound
        self.first = self.last = 0  # the outermost of them
        self.spare = 0

    def maybe(self, one_in):
        return self.chance.randrange(one_in) == 0

    def file(self, path, size=0):
        with open(path, 'wb') as file:
            file.write(bytes(size))

    def elsewhere(self):
        """A path outside of what the program looks at."""
        path = os.path.join(os.fsencode(self.base), b'.elsewhere')
        os.makedirs(path, exist_ok=True)
        self.spare += 1
        return b'%s/%d' % (path, self.spare)

    def odd(self, path):
        """Something that is no regular file, nor a link to one."""
        kind = self.chance.randrange(6)
        if kind == 0:
            os.mkdir(path)
        elif kind == 1:
            os.mkfifo(path)
        else:
            os.symlink((b'nowhere', b'.', b'/dev/null',
                        os.path.basename(path))[kind - 2], path)

    def entry(self, path, size):
        """A segment: nearly always a file, else a link to one."""
        if os.path.lexists(path):
            return
        if self.maybe(25):
            target = self.elsewhere()
            self.file(target, size)
            os.symlink(target, path)
        elif self.maybe(40):
            self.odd(path)
        else:
            self.file(path, size)
        tombstone = path[:-3] + b'.tombstone'
        if self.maybe(20) and len(os.path.basename(path)) < 240 and \
                not os.path.lexists(tombstone):
            (self.odd if self.maybe(4) else self.file)(tombstone)
            if self.maybe(3):
                os.rename(path, self.elsewhere())

    def time_text(self, start):
        minutes, rest = divmod(start, 60 * SECOND)
        text = '%02d:%02d.%06d' % (minutes, *divmod(rest, SECOND))
        if self.maybe(2):
            text = text.rstrip('0')
            if text.endswith('.'):
                text = text[:-1] + self.chance.choice(('', '.0', '.000'))
        return text

    def kind(self, calm):
        return 'full' if calm else self.chance.choices(
            ('full', 'suspect', 'partial', 'temp'), (6, 3, 3, 1))[0]

    def segment(self, hour, start, duration, kind):
        name = '%s-%s-%s-%s.ts' % (
            self.time_text(start), duration, kind,
            self.chance.choice(HASHES) if kind != 'temp' else
            self.chance.choice(('', 'a', 'b5f4f3c2-4a3e', 'ab=+ c')))
        self.entry(os.path.join(hour, name.encode()),
                   self.chance.choice((0, 1, 7, 7, 100, 199, 200)))

    def duration(self, scale):
        """(microseconds, as it is spelt)"""
        if self.maybe(6):
            spelling = self.chance.choice(SPELLINGS)
            micros = model.parse_duration(spelling.encode())
            if micros <= 20 * scale:
                return micros, spelling
        micros = self.chance.choice((
            scale, scale, scale + 2000, scale // 2,
            self.chance.randrange(scale // 10, 2 * scale)))
        micros = min(micros, HOUR)
        return micros, spell(self.chance, micros)

    def gap(self, scale):
        """What lies between an end and the next start; below 0: overlap."""
        near = self.chance.choice((10000, self.tolerance))
        return self.chance.choices((
            0,
            self.chance.randrange(-6000, 6001),
            near * self.chance.choice((-1, 1))
            + self.chance.choice((-1, 0, 0, 1)),
            self.chance.choice((1, -1, 2, SECOND, 2 * SECOND, -SECOND)),
            self.chance.randrange(-2 * scale, scale),
            self.chance.randrange(0, 5 * scale)),
            (10, 6, 4, 2, 2, 2))[0]

    def aligned(self, start):
        """A start on a pixel's edge, or just beside it."""
        return start // (2 * SECOND) * 2 * SECOND \
            + self.chance.choice((0, 0, 1, 1999999))

    def stream(self, hour, start, scale):
        """Segments one after the other; the end of the last, in the hour."""
        chance = self.chance
        calm = self.maybe(3)
        stop = HOUR if self.maybe(2) else chance.randrange(HOUR)
        end = start
        if self.maybe(60):              # several at some starts
            for start in chance.choices((range(3600 * SECOND), range(
                    0, 4 * SECOND, 3000))[chance.randrange(2)], k=500):
                self.segment(hour, start, '0.002', self.kind(calm))
            return HOUR
        for _ in range(60):
            if not 0 <= start < HOUR or start > stop:
                break
            micros, spelling = self.duration(scale)
            self.segment(hour, start, spelling, self.kind(calm))
            rivals = 0 if calm or not self.maybe(5) else chance.randrange(4)
            for _ in range(rivals):
                other = self.duration(scale)
                self.segment(hour, start, other[1], self.kind(False))
                micros = max(micros, other[0])
            if self.maybe(12):
                inside = start + chance.randrange(micros + 1)
                if inside < HOUR:
                    self.segment(hour, inside, self.duration(scale)[1],
                                 self.kind(False))
            end = max(end, start + micros)
            start = start + micros + self.gap(scale)
            if self.maybe(8):
                start = self.aligned(start)
        return end

    def odds_and_ends(self, hour):
        chance = self.chance
        if self.maybe(3):
            for name in chance.choices(BAD_NAMES, k=chance.randrange(1, 8)):
                self.entry(os.path.join(hour, name[:252] + b'.ts'), 3)
        if self.maybe(3):
            for name in chance.sample(OTHER_NAMES, chance.randrange(1, 6)):
                self.file(os.path.join(hour, name), 3)
        if self.maybe(60):
            # more than one getdents64 brings
            longer = b'x' * chance.choice((0, 230))
            for number in range(chance.choice((99, 100, 101, 1500))):
                self.file(os.path.join(
                    hour, b'many%s-%d.ts' % (longer, number)))

    def hour(self, quality, time, spilt):
        """One hour of a quality; what spills out of it."""
        chance = self.chance
        path = os.path.join(quality, model.hour_name(time).encode())
        twin = model.hour_name(max(time - HOUR, FIRST_HOUR)).encode()
        kind = chance.choices(
            ('segments', 'empty', 'absent', 'loop', 'file', 'dangling',
             'odd', 'link', 'twin', 'one'),
            (60, 5, 8, 4, 2, 2, 2, 4, 2, 8))[0]
        links = {'loop': os.path.basename(path), 'dangling': b'nowhere'}
        if os.path.isdir(os.path.join(quality, twin)):
            links['twin'] = twin
        if kind in links:
            os.symlink(links[kind], path)
        elif kind == 'file':
            self.file(path, 5)
        elif kind == 'odd':
            os.mkfifo(path)
        elif kind == 'empty':
            os.mkdir(path)
            if self.maybe(2):
                self.odds_and_ends(path)
        if kind == 'absent' or os.path.lexists(path):
            return 0
        if kind == 'link':
            target = self.elsewhere()
            os.mkdir(target)
            os.symlink(target, path)
        else:
            os.mkdir(path)
        self.odds_and_ends(path)
        scale = chance.choice((30, 60, 100, 300, 900, 2000)) * SECOND
        start = chance.choice((
            0, spilt, spilt + self.gap(scale), chance.randrange(HOUR),
            chance.randrange(scale)))
        start = min(max(start, 0), HOUR - 1)
        if kind != 'one':
            return max(0, self.stream(path, start, scale) - HOUR)
        micros, spelling = self.duration(scale)
        self.segment(path, start, spelling, self.kind(self.maybe(2)))
        return max(0, start + micros - HOUR)

    def strays(self, quality):
        for name in self.chance.sample(STRAYS, self.chance.randrange(1, 5)):
            path = os.path.join(quality, name)
            if self.maybe(2):
                os.mkdir(path)
                self.file(os.path.join(path, b'00:00-2.0-full-ab.ts'))
            elif self.maybe(2):
                self.odd(path)
            else:
                self.file(path)

    def quality(self, channel, name, first, count):
        path = os.path.join(channel, name.encode())
        os.mkdir(path)
        if self.maybe(3):
            self.strays(path)
        time, spilt, end = first, 0, len(self.marks) + count
        while len(self.marks) < end and time <= LAST_HOUR:
            self.marks.append(time)
            spilt = self.hour(path, time, spilt)
            time += HOUR
            if self.maybe(12):
                time += self.chance.choice((1, 2, 3, 24)) * HOUR
                spilt = 0
        far = self.chance.choice((FIRST_HOUR, LAST_HOUR))
        if self.maybe(25) and far not in self.marks:
            # from all the others: its map is refused
            self.hour(path, far, 0)


def make(chance, base):
    archive = Archive(chance, base)
    channel = os.path.join(os.fsencode(base), b'ch')
    os.mkdir(channel)
    if chance.randrange(2) == 0:
        archive.qualities.append('480p')
    beginning = model.parse_hour(chance.choice(BEGINNINGS).encode())
    for quality in archive.qualities:
        first = beginning
        if chance.randrange(3) == 0 and first + 9 * HOUR < LAST_HOUR:
            first += chance.randrange(3) * HOUR
        archive.quality(channel, quality, first,
                        chance.choice((1, 1, 2, 3, 4, 6, 8)))
    if chance.randrange(8) == 0:
        archive.qualities.append('none')
    archive.first = min(archive.marks)
    archive.last = max(archive.marks)
    return archive
