#!/usr/bin/python3
"""The page in a real browser: maps that come, go and come again.

A small web server plays all the nodes, each below a path of its own, and can
make any of them fail or hang. So that nobody waits a minute, the page is
served with a shorter time between two reloads: that is an attribute, which no
hash of the Content-Security-Policy covers.
"""
import base64
import datetime
import hashlib
import html.parser
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
import browser
import tap
from browser import eventually

PROGRAM = os.path.abspath(os.environ.get(
    'SEGMENT_COVERAGE',
    os.path.join(sys.path[0], '..', 'segment-coverage')))
MAP = '/segments/coverage-maps/ch_source_coverage.png'
PAGE = 'coverage-maps/ch_source_coverage.html'
FIRST, LAST, HOURS = '2025-11-14T22', '2025-11-21T21', 168
EVIL = '<script>alert(1)</script>'
STAMP = r'\d\d:\d\d:\d\d UTC'
BLUE, WHITE = [31, 119, 180], [255, 255, 255]


class Server(http.server.ThreadingHTTPServer):
    """What the nodes serve, and the page."""
    daemon_threads = True

    def __init__(self, base):
        super().__init__(('127.0.0.1', 0), Handler)
        self.base = base
        self.reload = 3600
        self.failing = {'gone'}
        self.hanging = set()
        self.asked = {}
        self.edit = lambda page: page
        self.released = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return 'http://127.0.0.1:%d/%s' % (self.server_port, path)

    def page(self):
        with open(os.path.join(self.base, PAGE), encoding='utf-8') as file:
            page = file.read()
        assert 'data-reload="60"' in page
        return self.edit(page.replace('data-reload="60"',
                                      'data-reload="%d"' % self.reload))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition('?')[0]
        node = path.split('/')[1]
        if path == '/page':
            return self.answer('text/html', self.server.page().encode())
        if not path.endswith(MAP):
            return self.send_error(404)
        self.server.asked.setdefault(node, []).append(self.path)
        if node in self.server.hanging:
            self.server.released.wait()
        if node in self.server.failing:
            return self.send_error(404)
        name = os.path.join(self.server.base, MAP[len('/segments/'):])
        with open(name, 'rb') as file:
            self.answer('image/png', file.read())

    def answer(self, kind, body):
        try:
            self.send_response(200)
            self.send_header('Content-Type', kind)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *arguments):
        pass


class Parser(html.parser.HTMLParser):
    """What style and script a page has, its policy and its headings."""

    def __init__(self, page):
        super().__init__()
        self.inside, self.texts, self.policy, self.tags = None, {}, '', []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.inside = tag
        if attributes.get('http-equiv') == 'Content-Security-Policy':
            self.policy = attributes['content']

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        self.texts.setdefault(self.inside, []).append(data)


def program(base, nodes, *options):
    command = [PROGRAM, '-b', base, '-f', 'none', '--make-page',
               '--now', '2025-11-21T22:05:00Z']
    for name, url in nodes:
        command += ['--node', '%s=%s' % (name, url)]
    done = subprocess.run(command + list(options) + ['ch'],
                          env=dict(os.environ, TZ='UTC', LC_ALL='C'),
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    tap.same((done.returncode, done.stdout, done.stderr), (0, '', ''),
             'the program is content')


def archive(base):
    """Hours of one segment each, but for a hole in the first one."""
    start = datetime.datetime.fromisoformat(FIRST + ':00')
    for i in range(HOURS):
        hour = os.path.join(base, 'ch', 'source', (
            start + datetime.timedelta(hours=i)).strftime('%Y-%m-%dT%H'))
        os.makedirs(hour)
        names = ['00:00-3600-full-Hash']
        if i == 0:
            names = ['00:00-600-full-Hash', '20:00-2400-full-Hash']
        for name in names:
            with open(os.path.join(hour, name + '.ts'), 'w'):
                pass


def test_text(page):
    """Without a browser: valid, and its policy says what is in it."""
    tidy = subprocess.run(['tidy', '-q', '-e'], input=page, text=True,
                          capture_output=True, check=False)
    tap.same((tidy.returncode, tidy.stderr), (0, ''), 'tidy has nothing to say')
    parsed = Parser(page)
    rules = dict(rule.strip().split(' ', 1)
                 for rule in parsed.policy.split(';'))
    for tag in ('style', 'script'):
        tap.same(len([name for name, _ in parsed.tags if name == tag]), 1,
                 'one ' + tag)
        digest = hashlib.sha256(''.join(parsed.texts[tag]).encode()).digest()
        tap.same(rules.get(tag + '-src'), "'sha256-%s'" %
                 base64.b64encode(digest).decode(),
                 'the policy has the hash of the ' + tag)
    tap.same(rules.get('default-src'), "'none'", 'nothing else is allowed')
    tap.same(rules.get('img-src'), 'http: https:', 'but maps')
    tap.ok(not [tag for tag, attributes in parsed.tags
                if any(name == 'style' or name.startswith('on')
                       for name in attributes)],
           'no style and no script in attributes')
    tap.same([tag for tag, _ in parsed.tags if re.match('h[1-6]$', tag)],
             ['h1'] + ['h2'] * 5, 'headings in order')
    images = [attributes for tag, attributes in parsed.tags if tag == 'img']
    tap.ok(all('ch source on' in image['alt'] and FIRST[:10] in image['alt']
               for image in images), 'each map says what it shows')


# What stands for the figure of a node in the browser.
FIGURE = '''
const figure = Array.from(document.querySelectorAll("figure")).find(
    (figure) => figure.querySelector("h2").textContent === arguments[0]);
const image = figure.querySelector("img"), box = figure.querySelector(".map");
const status = figure.querySelector("[role=status]");
'''


class Page:
    """The page in the browser."""

    def __init__(self, view, server):
        self.view, self.server = view, server

    def open(self, reload=3600):
        self.server.reload = reload
        self.view.open(self.server.url('page'))

    def figure(self, node, script):
        return self.view.run(FIGURE + script, node)

    def shown(self, node):
        return self.figure(
            node, 'return image.complete && image.naturalWidth')

    def status(self, node):
        return self.figure(node, 'return status.textContent')

    def pixel(self, node, x, y):
        return self.figure(node, '''
            const canvas = document.createElement("canvas");
            canvas.width = image.naturalWidth; canvas.height = 300;
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            return Array.from(context.getImageData(%d, %d, 1, 1).data)
                .slice(0, 3);''' % (x, y))

    def reloads(self, node, n):
        """Waits until the node was asked so many times more."""
        asked = self.server.asked
        before = len(asked.get(node, []))
        return eventually(lambda: len(asked.get(node, [])) >= before + n)


def test_maps(page):
    view = page.view
    page.open()
    for node in ('one', 'two', EVIL):
        tap.same(eventually(lambda: page.shown(node)), 6 * HOURS,
                 'the map of %s shows' % node)
    tap.same([page.pixel('one', 0, 0), page.pixel('one', 1, 0)],
             [BLUE, WHITE], 'with its hole')
    tap.same(view.run('return [...document.querySelectorAll("h2")].map('
                      '(heading) => heading.textContent)'),
             [EVIL, 'gone', 'one', 'o’ne & "two" é', 'two'],
             'names are text, in order')
    tap.same(view.run('return document.scripts.length'), 1,
             'no script came in by a name')
    tap.ok(re.fullmatch('The map could not be loaded at %s.' % STAMP,
                        page.status('gone')), 'a missing map says so')
    tap.same(page.status('one'), '', 'and one that is there does not')
    tap.same([line for line in view.console()
              if MAP not in line and 'favicon' not in line], [],
             'nothing else in the console: no violation of the policy')
    view.run('const script = document.createElement("script");'
             'script.textContent = "window.evil = 1";'
             'document.body.append(script)')
    tap.ok(view.run('return window.evil === undefined') and
           'Content Security Policy' in ''.join(view.console()),
           'another script is refused, and would be in the console')


def test_link(page):
    link = page.figure('one', '''const link = image.closest("a");
        return [link.href, link.rel, document.referrer]''')
    tap.same(link, [page.server.url('one' + MAP), 'noopener noreferrer', ''],
             'a map is a link to itself')


def test_pointer(page):
    view = page.view
    for x, y, when in ((0, 0, '2025-11-14 22:00:00'),
                       (7, 299, '2025-11-14 23:19:58'),
                       (700, 13, '2025-11-19 18:40:26')):
        page.figure('two', '''window.scrollTo(0, 0); box.scrollLeft = 0;
            image.scrollIntoView();''')
        left, top = page.figure('two', '''
            const area = image.getBoundingClientRect();
            return [area.left, area.top]''')
        view.mouse(left + x + .5, top + y + .5)
        tap.same(eventually(lambda: page.figure(
            'two', 'return figure.querySelector(".time").textContent'), 5),
            when + ' UTC', 'the time under the pointer at %d, %d' % (x, y))
    view.mouse(0, 0)
    tap.same(page.figure(
        'two', 'return figure.querySelector(".time").textContent'), '',
        'and none beside the map')


def test_axis(page):
    days = page.view.run('''return [...document.querySelectorAll(".day")].map(
        (day) => day.textContent + " " + day.getAttribute("x"))''')
    tap.same(days, ['%s %d' % (day, 12 + 4 + 144 * i) for i, day in enumerate(
        ('Sat 15 Nov', 'Sun 16 Nov', 'Mon 17 Nov', 'Tue 18 Nov',
         'Wed 19 Nov', 'Thu 20 Nov', 'Fri 21 Nov'))], 'days on the axis')
    hours = page.view.run('''return [...document.querySelectorAll(
        "#axis text:not(.day)")].map((hour) => hour.textContent + " " +
        hour.getAttribute("x"))''')
    tap.same(hours[:4], ['06 48', '12 84', '18 120', '06 192'], 'and hours')
    tap.same(page.figure('one', '''
        const axis = figure.querySelector(".axis").getBoundingClientRect();
        const area = image.getBoundingClientRect();
        return [axis.left - area.left, axis.width - area.width]'''), [0, 0],
        'the axis is as wide as the map')


def test_days(page, nodes):
    """The first day has a name where the next one leaves it room."""
    for first, last, days in (
            ('15T00', '15T23', [('4', 'Sat 15 Nov')]),
            ('15T12', '16T11', [('0', 'Sat 15 Nov'), ('76', 'Sun 16 Nov')]),
            ('15T13', '16T11', [('70', 'Sun 16 Nov')]),
            ('15T22', '15T23', [('0', 'Sat 15 Nov')]),
            ('15T02', '15T02', [('0', 'Sat 15 Nov')])):
        program(page.server.base, nodes, '-n', '--first-hour',
                '2025-11-' + first, '--last-hour', '2025-11-' + last)
        found = re.findall(r'<text class="day" x="(\d+)" y="12">(.*?)</text>',
                           page.server.page())
        tap.same(found, days, 'days from %s to %s' % (first, last))


def test_reload(page):
    """Scroll positions stay, maps change, failures keep the last map."""
    view, server = page.view, page.server
    view.screen(800, 600)
    page.open(reload=1)
    eventually(lambda: page.shown('two'))
    view.run('window.marker = 1; window.scrollTo(0, 321);'
             'document.querySelectorAll(".map").forEach('
             '(box) => { box.scrollLeft = 77; })')
    tap.ok(page.reloads('two', 3), 'maps are asked for again')
    name = os.path.join(server.base, MAP[len('/segments/'):])
    shutil.copy(name, name + '.old')
    shutil.copy(os.path.join(server.base, 'white.png'), name + '.new')
    os.rename(name + '.new', name)
    tap.ok(eventually(lambda: page.pixel('two', 0, 0) == WHITE),
           'and a new one is shown')
    server.failing.add('two')
    said = eventually(lambda: page.status('two'))
    tap.ok(re.fullmatch('The map could not be loaded at %s; showing the one '
                        r'of \d{4}-\d\d-\d\d %s\.' % (STAMP, STAMP), said),
           'one that does not come says so', said)
    tap.same((page.shown('two'), page.pixel('two', 0, 0)),
             (6 * HOURS, WHITE), 'and the last one stays')
    os.rename(name + '.old', name)
    server.failing.discard('two')
    tap.ok(eventually(lambda: page.status('two') == '' and
                      page.pixel('two', 0, 0) == BLUE),
           'until it comes again')
    server.hanging.add('two')
    said = eventually(lambda: page.status('two'))
    tap.ok('could not be loaded' in said, 'a node that hangs says so too')
    tap.same(page.pixel('two', 0, 0), BLUE, 'and its last map stays')
    server.hanging.discard('two')
    server.released.set()
    tap.ok(eventually(lambda: page.status('two') == ''),
           'until the node answers')
    tap.same(view.run('return [window.marker, window.scrollY].concat('
                      '[...document.querySelectorAll(".map")].map('
                      '(box) => box.scrollLeft))'),
             [1, 321, 77, 77, 77, 77, 77],
             'no scroll position has moved, nor was the page loaded anew')
    view.screen(1280, 800)
    tap.ok(all(re.fullmatch(r'/two%s(\?\d+)?' % re.escape(MAP), path)
               for path in server.asked['two']), 'past every cache')


def test_pause(page):
    view, asked = page.view, page.server.asked
    button = 'document.getElementById("pause")'
    view.run(button + '.click()')
    tap.same(view.run('return %s.getAttribute("aria-pressed")' % button),
             'true', 'the button is pressed')
    eventually(lambda: False, 0.5)
    before = len(asked['one'])
    eventually(lambda: False, 2.5)
    tap.same(len(asked['one']), before, 'no map is asked for')
    view.run(button + '.click()')
    tap.ok(page.reloads('one', 2), 'and again when it is released')


def test_renewal(page):
    """A page with other nodes or hours is loaded by itself."""
    page.view.run('window.marker = 1')
    page.reloads('one', 2)
    tap.same(page.view.run('return window.marker'), 1,
             'the same page is not loaded again')
    page.server.edit = lambda text: text.replace('22:05 UTC</time>',
                                                 '22:10 UTC</time>')
    tap.ok(eventually(lambda: page.view.run(
        'return document.querySelector("time").textContent')
        == '2025-11-21 22:10 UTC'), 'but its time is brought up to date')
    page.server.edit = lambda text: text.replace('<bdi>two<', '<bdi>2<')
    tap.ok(eventually(lambda: page.view.run(
        'return document.readyState === "complete" &&'
        '[...document.querySelectorAll("h2")].map('
        '(heading) => heading.textContent).includes("2")')),
        'a page with another node is')
    page.server.edit = lambda text: text


# The least contrast of any text on the page, by WCAG 2.
CONTRAST = '''
const light = (colour) => {
	const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => {
		const c = part / 255;
		return c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
	});
	return .2126 * r + .7152 * g + .0722 * b;
};
const behind = (element) => {
	const colour = getComputedStyle(element).backgroundColor;
	return /, 0\\)/.test(colour) ? behind(element.parentElement) : colour;
};
document.querySelectorAll(".time, [role=status]").forEach((element) => {
	element.textContent = element.textContent || "text";
});
let least = 21;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
	const element = walker.currentNode.parentElement;
	if (!walker.currentNode.data.trim() || element.localName === "script")
		continue;
	const style = getComputedStyle(element);
	const pair = [light(element.localName === "text" ? style.fill :
		style.color), light(behind(element))].sort((a, b) => a - b);
	least = Math.min(least, (pair[1] + .05) / (pair[0] + .05));
}
return least;
'''


def test_looks(page):
    view = page.view
    backgrounds = []
    for scheme in ('light', 'dark'):
        view.scheme(scheme)
        for pressed in (False, True):
            page.open()
            if pressed:
                view.run('document.getElementById("pause").click()')
            least = view.run(CONTRAST)
            tap.ok(4.5 <= least <= 21, 'contrast in the %s%s' % (
                scheme, ', paused' if pressed else ''), least)
        backgrounds.append(view.run(
            'return getComputedStyle(document.body).backgroundColor'))
    tap.ok(backgrounds[0] != backgrounds[1], 'light and dark differ')


def test_phone(page):
    view = page.view
    view.screen(390, 844)
    page.open()
    eventually(lambda: page.shown('one'))
    tap.same(view.run('return [document.documentElement.scrollWidth,'
                      'window.innerWidth]'), [390, 390],
             'a phone has nothing to scroll sideways')
    widths = page.figure('one', 'return [box.scrollWidth, box.clientWidth]')
    tap.ok(widths[0] >= 6 * HOURS and widths[1] < 390,
           'but the box of a map', widths)
    tap.ok(page.figure('one', 'return box.scrollLeft') > 0,
           'where the newest hours are in sight')
    page.figure('one', 'box.scrollLeft = 300; box.focus()')
    view.key('ArrowLeft')
    tap.ok(eventually(lambda: page.figure('one', 'return box.scrollLeft')
                      < 300, 10), 'and arrow keys move it')
    view.screen(1280, 800)


def test_without_script(page):
    view = page.view
    view.devtools('Emulation.setScriptExecutionDisabled', value=True)
    page.open()
    tap.same(eventually(lambda: page.shown('one')), 6 * HOURS,
             'without script the map shows')
    tap.same(view.run('return getComputedStyle(document.getElementById('
                      '"reloading")).display'), 'none',
             'and nothing that needs a script')
    view.devtools('Emulation.setScriptExecutionDisabled', value=False)


def test_other_hours(page, nodes):
    """A page with one bound has no axis; a map of other hours has none."""
    program(page.server.base, nodes, '--first-hour', FIRST, '-n')
    page.open()
    tap.same(eventually(lambda: page.shown('one')), 6 * HOURS,
             'with one bound only the map shows')
    tap.same(page.view.run('return [document.querySelectorAll(".axis").length,'
                           'document.getElementById("axis")]'), [0, None],
             'without an axis')
    program(page.server.base, nodes, '--first-hour', FIRST, '--last-hour',
            '2025-11-23T23', '-n')
    page.open()
    tap.ok('shows other hours' in eventually(lambda: page.status('one')),
           'a map of other hours says so')
    tap.same(page.figure('one', '''return getComputedStyle(
        figure.querySelector(".axis")).visibility'''), 'hidden',
        'and gets no axis')


def main():
    lacking = browser.missing() or (
        None if shutil.which('tidy') else 'tidy')
    if lacking:
        print('1..0 # skip %s is not installed' % lacking)
        return
    with tempfile.TemporaryDirectory() as base:
        archive(base)
        server = Server(base)
        nodes = [('two', server.url('two/')), ('one', server.url('one')),
                 (EVIL, server.url('evil')), ('gone', server.url('gone')),
                 ('o’ne & "two" é', server.url("o'ne&two"))]
        window = ['--first-hour', FIRST, '--last-hour', LAST]
        os.mkdir(os.path.join(base, 'ch', 'empty'))
        program(base, nodes, '-q', 'empty', *window)
        os.rename(os.path.join(base, 'coverage-maps/ch_empty_coverage.png'),
                  os.path.join(base, 'white.png'))
        program(base, nodes, *window)
        test_text(server.page())
        view = browser.Browser()
        try:
            view.screen(1280, 800)
            page = Page(view, server)
            for test in (test_maps, test_link, test_pointer, test_axis,
                         test_reload, test_pause, test_renewal, test_looks,
                         test_phone, test_without_script):
                test(page)
            test_other_hours(page, nodes)
            test_days(page, nodes)
        finally:
            view.close()
    tap.done()


if __name__ == '__main__':
    main()
