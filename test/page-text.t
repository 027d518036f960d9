#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a page says, without a browser: it is valid, its policy allows what is
in it and no more, and nobody's name or report can change that.
"""
import base64
import hashlib
import html
import json
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import pagesite
import tap

EVIL = '<script>alert(1)</script>"\'&amp;'
HOSTILE = '\x1b\u202e\x7f\ufdd0\uffff<svg/onload>'


class Page(str):
    """Its text, and what stands in its tags."""

    def text(self, tag):
        found = re.findall('<%s\\b.*?>(.*?)</%s>' % (tag, tag), self, re.S)
        return html.unescape(' '.join(re.sub(
            '<.*?>', ' ', ' '.join(found)).split()))

    def all(self, tag, attribute):
        return re.findall('<%s\\b[^>]* %s=[\'"](.*?)[\'"]' % (
            tag, attribute), self)

    def answer(self):
        return re.search('<p class="answer">(.*)</p>', self).group(1)


class Case:
    """An archive of its own."""

    def __init__(self, site, name):
        self.site, self.name = site, name
        self.base = site.base(name)

    def covers(self, *spans, **where):
        """Covers spans given in minutes before now."""
        for start, end in spans:
            pagesite.segments(self.base, pagesite.ago(minutes=start),
                              pagesite.ago(minutes=end), **where)
        return self

    def page(self, *options, **how):
        if '--node' not in options:
            options += ('--node', 'other=http://other.example')
        self.site.run(self.name, '--make-page', *options, **how)
        page = Page((self.base / pagesite.PAGE).read_text('utf-8'))
        test_form(self.name, page)
        return page


def test_form(name, page):
    """What holds for every page."""
    tidy = subprocess.run(['tidy', '-q', '-e'], input=page, text=True,
                          capture_output=True, check=False)
    tap.same((tidy.returncode, tidy.stderr), (0, ''), name + ': is valid')
    policy = dict(rule.strip().split(' ', 1) for rule in re.search(
        '<meta http-equiv=.* content="(.*?)"', page).group(1).split(';'))
    for tag in ('style', 'script'):
        content = re.findall('<%s>(.*?)</%s>' % (tag, tag), page, re.S)
        digest = hashlib.sha256(content[0].encode()).digest()
        tap.same((len(content), policy[tag + '-src']),
                 (1, "'sha256-%s'" % base64.b64encode(digest).decode()),
                 name + ': its policy has the hash of the one ' + tag)
    tap.same((policy['default-src'], policy['img-src'], policy['connect-src']),
             ("'none'", "'self' http: https:", "'self'"),
             name + ': and allows nothing else')
    tap.ok(not re.search(r'<[^>]* (style|on\w+)=', page),
           name + ': no style and no script in attributes')
    levels = re.findall('<h([1-6])', page)
    tap.ok(levels[0] == '1' and set(levels[1:]) <= {'2'},
           name + ': headings in order')
    tap.ok(not re.search('[\0-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066'
                         '\ufdd0-\ufdef\ufffe\uffff]', page),
           name + ': no control character')


def test_alone(site):
    """Without peers: this node's words, all nodes' maps."""
    case = Case(site, 'one node').covers((300, 200), (199, 100), (99.5, 1))
    page = case.page()
    tap.same(page.answer(), "<strong class='bad'>2 holes, 1m30.0s.</strong> "
             'Covered 99.49 %.', 'what it lacks')
    tap.same(page.text('title'), '(2) ch source', 'also in the title')
    tap.ok('here 99.49 % 2 1m30.0s' in page.text('table'), 'and in the table')
    tap.same(re.findall(r'<li><b>(.*?)</b> <span>(.*?)</span> '
                        r'<span>(.*?)</span>', page),
             [('1m00.0s', '2025-11-21T18:45:00.000Z',
               '2025-11-21T18:46:00.000Z'),
              ('30.0s', '2025-11-21T20:25:00.000Z',
               '2025-11-21T20:25:30.000Z')], 'the longest first')
    tap.same(page.all('image', 'href'), ['ch_source_coverage.png'],
             'its map lies beside the page')
    page = case.page('--name', 'me', '--node', 'me=http://me.example/',
                     '--node', 'you=https://you.example')
    tap.same(page.all('image', 'href'),
             ['http://me.example/segments/coverage-maps/'
              'ch_source_coverage.png'], 'or at its node')
    tap.same(page.all('img', 'src'),
             ['https://you.example/segments/coverage-maps/'
              'ch_source_coverage.png'], 'other nodes\' have no axis')
    tap.ok('no report' not in page, 'nobody asked for their reports')


def test_states(site):
    """Sentences for what can be the matter."""
    case = Case(site, 'whole').covers((300, 1))
    tap.same(case.page().answer(), '<strong>No hole.</strong> Covered 100 %.',
             'no hole')
    page = Case(site, 'stopped').covers((300, 30)).page()
    tap.ok(page.answer().startswith('<strong>No hole.</strong> Covered 100 %. '
                                    '<bdi>here</bdi> stopped <time '),
           'a stream that has stopped', page.answer())
    tap.ok('>30m00s ago</time>.' in page.answer(), 'and for how long')
    tap.same(Case(site, 'late').covers((300, 2)).page().answer(),
             '<strong>No hole.</strong> Covered 100 %.',
             'none, two minutes after the last segment')
    os.makedirs(os.path.join(site.base('empty'), 'ch', 'source'))
    page = Case(site, 'empty').page()
    tap.same(page.answer(), 'No segments in these hours.', 'no segments')
    tap.ok(not page.all('image', 'href'), 'and no map')
    case = Case(site, 'qualities').covers((300, 1)).covers(
        (300, 1), quality='a:b')
    page = case.page('-q', 'source,a:b,gone', status=2)
    links = re.search('<nav.*</nav>', page).group()
    tap.same(re.findall("href='(.*?)'", links),
             ['ch_a%3Ab_coverage.html', 'ch_gone_coverage.html'],
             'links to the channel\'s other qualities')
    page = case.base / pagesite.PAGE.replace('source', 'gone')
    tap.same(Page(page.read_text('utf-8')).answer(),
             'This node has no such quality.', 'a quality that is not')


def test_axis(site):
    """The first day has a name where the next one leaves it room."""
    case = Case(site, 'axis').covers((300, 1))
    for first, last, days in (
            ('15T00', '15T23', [('4', 'Sat 15 Nov')]),
            ('15T12', '16T11', [('0', 'Sat 15 Nov'), ('76', 'Sun 16 Nov')]),
            ('15T13', '16T11', [('70', 'Sun 16 Nov')]),
            ('15T22', '15T23', [('0', 'Sat 15 Nov')]),
            ('05T02', '05T02', [('0', 'Wed 5 Nov')])):
        page = case.page('-n', '--first-hour', '2025-11-' + first,
                         '--last-hour', '2025-11-' + last)
        found = re.findall("<text class='day' x='(.*?)' y='12'>(.*?)</text>",
                           page)
        tap.same([(x, ' '.join(day.split())) for x, day in found], days,
                 'days from %s to %s' % (first, last))


def test_limits(site):
    """What is left out is counted, and no part of a hole is lost."""
    case = Case(site, 'many holes')
    for seconds in range(0, 3009, 3):
        pagesite.segments(case.base, pagesite.ago(seconds=3200 - seconds),
                          pagesite.ago(seconds=3198 - seconds))
    page = case.page()
    tap.same((page.count('<li><b>'), '<li>2 shorter ones</li>' in page),
             (1000, True), 'a thousand holes are listed')
    case = Case(site, 'a hole of part of a millisecond more')
    case.covers((300, 200), (199 - 1 / 6e7, 1))
    hole = case.page().all('figure', 'data-holes')[0].split(',')
    tap.same(int(hole[1]) - int(hole[0]), 60001, 'its end is rounded up')
    path = report(site, 'stopping', lambda document: document.update(
        generated_at=(pagesite.NOW + pagesite.timedelta(minutes=2)).strftime(
            '%Y-%m-%dT%H:%M:%SZ')))
    answer = Case(site, 'going on').covers((300, 1)).page(*[
        word for number in range(4)
        for word in ('--peer', 'n%d=%s' % (number, path))]).answer()
    tap.same((re.findall('<bdi>(.*?)</bdi> stopped', answer),
              ', and 1 more;' in answer),
             (['n0', 'n1', 'n2'], True), 'three that have stopped are named')


def report(site, name, change):
    """A peer's report, changed."""
    case = Case(site, name).covers((300, 200), (190, 1))
    site.run(name)
    path = case.base / pagesite.TWIN
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))
    return str(path)


def test_hostile(site):
    """Names and reports that mean harm."""
    case = Case(site, 'hostile').covers((300, 250), (249, 1))
    plain = report(site, 'plain', lambda document: None)

    def nothing(document):
        document['reports'][0]['raw']['holes'] = EVIL

    def marked(document):
        document['generator'] = document['base_dir'] = EVIL
        document['reports'].append(dict(document['reports'][0], channel=EVIL))

    def ancient(document):
        document['reports'][0].update(start='0001-01-01T00:00:00.000000Z',
                                      end='9999-12-31T23:59:59.999999Z')

    def many(document):
        at = pagesite.ago(days=9)
        stamps = [(at + pagesite.timedelta(milliseconds=ms)).strftime(
            '%Y-%m-%dT%H:%M:%S.%fZ') for ms in range(0, 150000000, 750)]
        document['reports'][0].update(start=stamps[0], raw={'holes': [
            {'start': start, 'end': end, 'duration': .75}
            for start, end in zip(stamps[::2], stamps[1::2])]})
        document['generator'] = 'x' * 42000000

    page = case.page('--peer', EVIL + '=' + plain, '--node',
                     EVIL + '=http://evil.example/"\'<b>', '--node',
                     HOSTILE + '=http://h.example')
    tap.ok(EVIL in page.text('bdi') and HOSTILE[5:] in page.text('bdi'),
           'names are text', page.text('bdi'))
    tap.same(len(page.all('script', 'x')) + len(re.findall('<script', page)),
             1, 'no script by a name')
    tap.ok(all('%22%27%3Cb%3E' in href for href in page.all('image', 'href')
               if 'evil' in href),
           'a URL is escaped')
    page = case.page('--peer', 'marked=' + report(site, 'marked', marked))
    tap.ok(EVIL not in page and 'alert' not in page,
           'markup in a report is not shown')
    page = case.page('--peer', 'nothing=' + report(site, 'nothing', nothing),
                     status=2)
    tap.ok('nothing ? ? ? ? ? no report' in page.text('table'),
           'a broken report is no report', page.text('table'))
    path = report(site, 'ancient', ancient)
    page = case.page('--peer', 'ancient=' + path, '--node',
                     'ancient=http://a.example')
    tap.same(page.all('div', 'data-columns')[0], '36',
             'years do not stretch the axis')
    tap.ok('other hours' in page, 'the map stands below')
    path = report(site, 'many', many)
    size = os.path.getsize(path)
    tap.ok(size > 50000000, 'a report of %d MB' % (size // 1000000))
    page = case.page('--peer', 'many=' + path, '--node',
                     'many=http://m.example')
    tap.ok(len(page) < 500000, 'makes a page of %d KB' %
           (len(page) // 1000))
    tap.ok(page.all('figure', 'data-holes-until'),
           'which says from where on it is silent')


def main():
    with tempfile.TemporaryDirectory() as home:
        site = pagesite.Site(home)
        for test in (test_alone, test_states, test_axis, test_limits,
                     test_hostile):
            test(site)
    tap.done()


main()
