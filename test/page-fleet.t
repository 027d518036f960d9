#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The page of a fleet in a real browser (browser.py), from real web servers
without CORS (pagesite.py).

Six nodes: one is well, one is down, one serves 404, one ran last a day ago,
one has a map of other hours, and one has no report. The browser's clock is
set, since the page tells ages.
"""
import json
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True
import browser
import model
import pagesite
import tap
from browser import eventually
from pagesite import NAMES

COLOURS = [bytes(colour) for colour in
           ((31, 119, 180), (255, 127, 14), (127, 127, 127), (255, 255, 255))]
HOURS = 97  # of pagesite.WINDOW


def colours(row):
    return b''.join(COLOURS[pixel] for pixel in row)


def png(path, rows):
    """Writes a map of these rows of RGB."""
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n')
        for kind, body in (
                (b'IHDR', struct.pack('>IIBBBBB', len(rows[0]) // 3, len(rows),
                                      8, 2, 0, 0, 0)),
                (b'IDAT', zlib.compress(b'\0' + b'\0'.join(rows))),
                (b'IEND', b'')):
            file.write(struct.pack('>I', len(body)) + kind + body +
                       struct.pack('>I', zlib.crc32(kind + body)))


class Page:
    """The page of alpha in the browser."""

    def __init__(self, view, site):
        self.view, self.site, self.script = view, site, None
        self.url = site.url('alpha') + '/segments/' + pagesite.PAGE

    def clock(self, now):
        """Stops the browser's clock, in all pages opened from now on."""
        if self.script:
            self.view.devtools('Page.removeScriptToEvaluateOnNewDocument',
                               identifier=self.script)
        self.script = self.view.devtools(
            'Page.addScriptToEvaluateOnNewDocument', source='''
            window.ticks = %d;
            let calls = 0;
            Date.now = () => ticks + calls++ %% 1000;
            ''' % (now.timestamp() * 1000))['identifier']

    def open(self):
        self.view.open(self.url)
        eventually(lambda: self.view.run(
            'return page.maps.every((map) => !map.coming)'))

    def figure(self, name, script):
        return self.view.run('''
            const figure = [...document.querySelectorAll("figure")].find(
                (f) => f.querySelector("h2").textContent === arguments[0]);
            ''' + script, name)

    def map(self, name):
        return str(self.site.base(name) / pagesite.MAP)

    def text(self, selector):
        return self.view.run('return document.querySelector(arguments[0])'
                             '.textContent', selector)

    def status(self, name):
        return self.figure(
            name, 'return figure.querySelector(".status").textContent')

    def pixels(self):
        """The rows of RGB of all nodes together, as they are on the screen."""
        self.view.run('document.querySelectorAll("#together .hatch, '
                      '#together .now, #cursor").forEach('
                      '(part) => part.remove())')
        box = self.view.run('''
            document.getElementById("maps").scrollLeft = 0;
            const frame = document.querySelector("#together .frame");
            const area = frame.getBoundingClientRect();
            return [area.left + scrollX, area.top + scrollY, area.width,
                area.height];''')
        return model.png_rows(self.view.screenshot(*box), (2, 6))


def rows_of(page):
    return page.view.run('''
        return [...document.querySelectorAll("tr")].map((row) =>
            [...row.cells].map((cell) => cell.textContent).join("|"))''')


def test_words(page):
    """What the page says, and that the JSON says it too."""
    page.open()
    tap.same(page.text('.answer'), '1 hole that no node has, 4m00.0s. '
             'All nodes together 99.91 %. 28.8s unknown. '
             'charlie stopped 23h00m ago; 1 of 6 nodes has not reported.',
             'the sentence')
    rows = rows_of(page)
    tap.same([row.split('|')[0] for row in rows[1:]],
             ['all together'] + NAMES, 'a row for each node')
    tap.same(rows[1], 'all together|99.91 %|1|4m00.0s|–|20s old|', 'together')
    tap.same(rows[2], 'alpha|96.15 %|3|3h04m29s|3h00m00s|20s old|0s old',
             'a node that is well')
    tap.ok('|stopped 23h00m ago|14s old' in rows[4], 'one that has stopped',
           rows[4])
    tap.ok(rows[5].endswith('|1d00h old|1d00h old'), 'one of a day ago',
           rows[5])
    tap.same(rows[7], 'foxtrot|?|?|?|?|?|no report', 'one without report')
    report = page.site.base('alpha').joinpath(pagesite.TWIN).read_bytes()
    fleet = json.loads(report)['reports'][0]['fleet']
    lost = page.view.run('''return [...document.querySelectorAll(
        ".lost span")].map((span) => span.textContent)''')
    tap.same(lost, [re.sub('000Z$', 'Z', span[end])
                    for span in fleet['lost']['spans']
                    for end in ('start', 'end')],
             'the spans that no node has, as in the JSON')
    tap.same(['%s|%.2f %%|%d' % (
        node['name'], int(node['ratio'] * 10000) / 100, node['hole_count'])
        for node in fleet['nodes']],
        ['|'.join(row.split('|')[:3]) for row in rows[2:7]],
        'the figures of the nodes, too')
    tap.same(page.view.run('return document.title'), '(1) ch source',
             'the verdict in the title')
    tap.same(page.view.run('''return [...document.querySelectorAll(
        "tbody a")].map((link) => link.href)'''), [
            page.site.url(name) + '/segments/' + pagesite.TWIN
            for name in NAMES], 'a link to each report')


def test_console(page):
    said = [line for line in page.view.console()
            if pagesite.MAP not in line and 'favicon' not in line and
            not line.startswith('chrome://')]   # the browser of itself
    tap.same(said, [], 'no violation of the policy in the console')
    page.view.run('const script = document.createElement("script");'
                  'script.textContent = "window.evil = 1";'
                  'document.body.append(script)')
    tap.ok(page.view.run('return window.evil === undefined') and
           'Content Security Policy' in ''.join(page.view.console()),
           'another script is refused, and would be in the console')


def test_maps(page):
    """Each map has its place, or says why not."""
    for name in ('bravo', 'charlie'):
        tap.same(page.status(name), 'could not be loaded at 22:05:00',
                 name + ' could not be loaded')
        tap.ok(page.figure(name, 'return figure.offsetHeight') < 40,
               'and is one line')
    tap.same(page.status('echo'), 'its map shows other hours',
             'a map of other hours says so')
    tap.same(page.figure('echo', '''return ["use", ".hatch", ".now"].map(
        (part) => getComputedStyle(figure.querySelector(part)).display)'''),
        ['none'] * 3, 'and has no axis')
    tap.same(page.text('#together .status'), 'without bravo, charlie, echo',
             'all together say who is not among them')
    tap.same(page.view.run('''return [...document.querySelectorAll(
        "figure h2")].map((name) => name.textContent)'''),
        ['All nodes together'] + NAMES, 'in order, those without report last')
    tap.ok('no report' in page.figure('foxtrot', 'return figure.textContent')
           and page.figure('foxtrot', '''return figure.matches(".rest *") &&
               !figure.querySelector("svg")'''),
           'the one without report is below, without axis')
    tap.same(page.figure('alpha', '''return [...figure.querySelectorAll(
        ".hatch, .now")].map((path) => path.getAttribute("d"))'''),
        ['M576 50h1V0H582V100H576z', 'M576.5 0V100'],
        'the future is hatched, now has a line')
    tap.same(page.figure('delta', '''return [...figure.querySelectorAll(
        ".hatch, image")].map((part) => part.getAttribute("d") ||
        part.getAttribute("x"))'''),
        ['-144', 'M432 50h1V0H582V100H432z'],
        'an old map stands a day earlier, and is hatched from its report on')


def test_axis(page):
    days = page.view.run('''return [...document.querySelectorAll(
        "#axis .day")].map((day) => day.textContent + " " +
        day.getAttribute("x"))''')
    tap.same(days, ['Tue 18 Nov 16', 'Wed 19 Nov 160', 'Thu 20 Nov 304',
                    'Fri 21 Nov 448'], 'days on the axis')
    tap.same(page.figure('alpha', '''
        const axis = figure.querySelector("use").getBoundingClientRect();
        const frame = figure.querySelector(".frame").getBoundingClientRect();
        return [frame.left, frame.width, figure.querySelector("image")
            .getBoundingClientRect().left - frame.left]'''),
        page.view.run('''
        const frame = document.querySelector("#together .frame")
            .getBoundingClientRect();
        return [frame.left, 582, 0];'''), 'a map under it, pixel by pixel')


def test_pointer(page):
    """Pointer, touch and keys: the time, and what is there."""
    view = page.view

    def at(name, x, y):
        view.run('document.getElementById("maps").scrollLeft = 0')
        return page.figure(name, '''
            figure.scrollIntoView({block: "center"});
            const frame = figure.querySelector(".frame")
                .getBoundingClientRect();
            return [frame.left + %f, frame.top + %f * frame.height / 300]'''
                           % (x + .25, y + .5))

    def there(name, x, y):
        view.mouse(*at(name, x, y))
        return page.text('#there')

    def says(text, what):
        tap.ok(eventually(lambda: text in page.text('#there'), 5), what,
               page.text('#there'))

    tap.same(there('All nodes together', 216, 45),
             'All nodes together, 2025-11-19T10:01:30Z: no node has it: '
             '10:01:00 to 10:05:00, 4m00s', 'a hole that no node has')
    tap.same(there('All nodes together', 277, 150),
             'All nodes together, 2025-11-19T20:15:00Z: bravo, '
             'charlie and echo have it', 'who has it')
    tap.same(there('alpha', 277, 150),
             'alpha, 2025-11-19T20:15:00Z: hole 20:05:00 to 23:05:00, '
             '3h00m; bravo, charlie and echo have it', 'a hole that others fill')
    tap.same(there('alpha', 457, 150), 'alpha, 2025-11-21T02:15:00Z: suspect '
             'or partial segments', 'what is incomplete')
    tap.same(there('delta', 500, 0), 'delta, 2025-11-21T09:20:00Z: not '
             'reported yet', 'what an old report cannot know')
    tap.ok('not yet' in there('All nodes together', 580, 0), 'the future')
    view.run('document.getElementById("cursor").hidden = true; at = null')
    for key in 'np':
        view.key(key)
        says('2025-11-19T10:01:00Z', key + ' goes to the next hole')
    there('alpha', 300, 0)
    view.key('n')
    says('2025-11-21T15:04:30Z: hole', 'of the map pointed at')
    view.key('p')
    says('2025-11-19T20:05:00Z: hole', 'p to the one before')
    tabs = len(view.tabs())
    view.touch(*at('alpha', 277, 150))
    says('20:15:00Z: hole', 'a touch says it too')
    tap.same(len(view.tabs()), tabs, 'and opens nothing')
    view.click(*at('alpha', 277, 150))
    tap.ok(eventually(lambda: len(view.tabs()) == tabs + 1, 10),
           'a click opens the picture')
    view.close_others()


def test_ages(page):
    """Ages count on in the browser; reports get old."""
    page.view.run('ticks += 20 * 60000')
    tap.ok(eventually(lambda: '20m' in rows_of(page)[2].split('|')[6], 10),
           'the age of a report counts on', rows_of(page)[2])
    tap.ok(page.figure('alpha', '''return figure.querySelector(".report")
        .matches(".bad")'''), 'an old one says so')
    hatch = page.figure('alpha', '''return [figure.querySelector(".hatch")
        .getAttribute("d"), figure.querySelector(".now").getAttribute("d")]''')
    tap.same(hatch, ['M576 50h1V0H582V100H576z', 'M578.5 0V100'],
             'and its map is hatched from the report on')


def test_turn(page):
    """When the hour has turned, a rolling window's map is of other hours."""
    page.clock(pagesite.NOW.replace(hour=23, minute=1))
    page.site.run('alpha', *page.options,
                  now=pagesite.NOW.replace(minute=58))
    page.open()
    tap.same(page.status('alpha'), 'the hour has turned: its map waits for '
             'its report', 'no map of other hours under the axis')
    tap.ok('alpha' in page.text('#together .status'), 'nor among all')
    page.clock(pagesite.NOW)
    page.site.run('alpha', *page.options)


def test_together(page):
    """Every pixel is the best of the maps that count."""
    maps = {}
    for name in ('alpha', 'delta', 'echo'):
        chance = random.Random(name)
        maps[name] = [chance.choices(range(4), [1, 1, 1, 5], k=6 * HOURS)
                      for _ in range(300)]
        os.rename(page.map(name), page.map(name) + '.old')
        png(page.map(name), [colours(row) for row in maps[name]])
    page.open()
    tap.ok(eventually(lambda: page.text('#together .status') ==
                      'without bravo, charlie', 5), 'the maps that count',
           page.text('#together .status'))
    # delta's stands a day earlier
    wanted = [colours(map(min, alpha, delta[144:] + [3] * 144, echo))
              for alpha, delta, echo in zip(*maps.values())]
    for scheme in ('light', 'dark'):
        page.view.scheme(scheme)
        rows = page.pixels()
        wrong = [(y, got[at:at + 3], row[at:at + 3])
                 for y, (got, row) in enumerate(zip(rows, wanted))
                 for at in range(0, len(row), 3)
                 if got[at:at + 3] != row[at:at + 3]]
        tap.same((len(rows), len(rows[0]), wrong[:5]), (
            300, 18 * HOURS, []), 'each pixel is the best, ' + scheme)
    page.view.scheme('light')
    for name in maps:
        os.rename(page.map(name) + '.old', page.map(name))


def test_reload(page):
    """Maps and words change by themselves; scroll positions stay."""
    view = page.view
    view.screen(390, 500)
    page.open()
    view.run('window.marker = 1; scrollTo(0, 222);'
             'document.getElementById("maps").scrollLeft = 33;'
             'setInterval(again, 500)')
    path = page.map('alpha')
    os.rename(path, path + '.old')
    said = eventually(lambda: page.status('alpha'))
    tap.ok(re.fullmatch(r'could not be loaded at \d\d:\d\d:\d\d, shown as of '
                        r'\d\d:\d\d:\d\d', said), 'a map that has gone', said)
    tap.ok('alpha' not in page.text('#together .status'),
           'the last one still counts')
    os.rename(path + '.old', path)
    tap.ok(eventually(lambda: page.status('alpha') == ''), 'it comes again')
    later = pagesite.NOW + pagesite.timedelta(minutes=5)
    pagesite.segments(page.site.base('alpha'), pagesite.ago(hours=60,
                      minutes=4), pagesite.ago(hours=60))
    page.site.run('alpha', *page.options, now=later)
    tap.ok(eventually(lambda: page.text('.answer').startswith(
        'No hole known that no node has. ')), 'the words are made again',
        page.text('.answer'))
    tap.same(view.run('return [window.marker, scrollY, '
                      'document.getElementById("maps").scrollLeft,'
                      'document.title]'), [1, 222, 33, 'ch source'],
             'without moving anything')
    view.run('document.getElementById("pause").click()')
    os.rename(path, path + '.old')
    eventually(lambda: False, 2)
    tap.same(page.status('alpha'), '', 'a pause asks for nothing')
    view.run('document.getElementById("pause").click()')
    tap.ok(eventually(lambda: page.status('alpha') != ''), 'until it ends')
    os.rename(path + '.old', path)
    view.screen(1280, 900)


def test_access(page):
    """What axe-core says, which npm gets where it can."""
    with tempfile.TemporaryDirectory() as home:
        try:
            subprocess.run(['npm', 'install', '--no-save', '--prefix', home,
                            'axe-core'], check=True, capture_output=True,
                           timeout=60)
        except (subprocess.SubprocessError, OSError) as error:
            return tap.skip('accessibility', error)
        script = pathlib.Path(
            home, 'node_modules/axe-core/axe.min.js').read_text('utf-8')
    for width, scheme in ((1280, 'light'), (1280, 'dark'), (390, 'light')):
        page.view.screen(width, 900)
        page.view.scheme(scheme)
        page.open()
        page.view.run(script)
        page.view.run('axe.run().then((found) => window.found = found)')
        eventually(lambda: page.view.run('return !!window.found'))
        found = page.view.run('''return window.found.violations.map((rule) =>
            rule.id + ": " + rule.nodes.map((node) => node.html).join("; "))
            ''')
        tap.same(found, [], 'axe finds nothing at %d, %s' % (width, scheme))
    page.view.screen(1280, 900)
    page.view.scheme('light')


def test_looks(page):
    """The first screen answers; a phone scrolls down only."""
    page.open()
    tap.ok(page.view.run('''return document.querySelector("#together .frame")
        .getBoundingClientRect().bottom''') < 850,
        'the first screen has the words and all nodes together')
    page.view.screen(390, 844)
    page.open()
    tap.same(page.view.run('return [document.documentElement.scrollWidth,'
                           'innerWidth]'), [390, 390],
             'a phone has nothing to scroll sideways')
    tap.ok(page.view.run('return document.getElementById("maps").scrollLeft'),
           'and shows the newest hours')
    page.view.screen(1280, 900)


def test_without_script(page):
    view = page.view
    view.devtools('Emulation.setScriptExecutionDisabled', value=True)
    view.open(page.url)
    tap.ok('1 hole that no node has' in page.text('.answer') and
           len(rows_of(page)) == 8, 'without script the words are there')
    tap.same(view.run('''return [...document.querySelectorAll(
        "#loading, #bar")].map((part) => getComputedStyle(part).display)'''),
        ['none', 'none'], 'and nothing that needs one')
    rows = page.pixels()
    tap.ok(COLOURS[0] in [rows[150][3 * x:3 * x + 3]
                          for x in range(6 * HOURS)], 'the maps, too')
    tap.same(page.figure('delta', '''return figure.querySelector(".hatch")
        .getAttribute("d")'''), 'M432 50h1V0H582V100H432z', 'hatched')
    view.devtools('Emulation.setScriptExecutionDisabled', value=False)


def main():
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        site = pagesite.Site(home)
        options = pagesite.fleet(site)
        site.serve([name for name in NAMES if name != 'bravo'])
        site.run('alpha', *options)
        view = browser.Browser()
        try:
            view.screen(1280, 900)
            page = Page(view, site)
            page.options = options
            page.clock(pagesite.NOW)
            for test in (test_words, test_console, test_maps, test_axis,
                         test_pointer, test_ages, test_turn, test_together,
                         test_without_script, test_looks, test_access,
                         test_reload):
                test(page)
        finally:
            view.close()
            site.close()
    tap.done()


main()
