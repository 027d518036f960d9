# SPDX-License-Identifier: MIT
"""A fleet for tests of the page: archives, a web server for each node, and
the program that makes the page of one of them from the others' reports.

The servers are nginx as wubloader sets it up: /segments below a port of its
own, without CORS headers. A node's archive is a list of spans in hours before
NOW; its segments are as long as an hour allows.
"""
import os
import pathlib
import socket
import subprocess
from datetime import datetime, timedelta, timezone

import tap
from browser import eventually

NOW = datetime(2025, 11, 21, 22, 5, tzinfo=timezone.utc)
NAMES = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot']
WINDOW = ['--first-hour', '-4d', '--last-hour', 'now']
PAGE = 'coverage-maps/ch_source_coverage.html'
MAP = 'coverage-maps/ch_source_coverage.png'
TWIN = 'coverage-maps/ch_source_coverage.json'


def ago(**units):
    return NOW - timedelta(**units)


def segments(base, start, end, kind='full', quality='source', channel='ch'):
    """Covers a span, cut at the hours."""
    while start < end:
        hour = start.replace(minute=0, second=0, microsecond=0)
        until = min(end, hour + timedelta(hours=1))
        path = base / channel / quality / hour.strftime('%Y-%m-%dT%H')
        path.mkdir(parents=True, exist_ok=True)
        path.joinpath('%s-%s-%s-Hash.ts' % (
            start.strftime('%M:%S.%f'), (until - start).total_seconds(),
            kind)).touch()
        start = until


class Site:
    """Nodes by name: a directory each, and a port if a server is to run."""

    def __init__(self, home):
        self.home, self.ports, self.server = home, {}, None
        self.held = []

    def base(self, name):
        path = pathlib.Path(self.home, 'nodes', name)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def port(self, name):
        """A port of its own, free as long as nobody else binds it."""
        if name not in self.ports:
            holder = socket.socket()
            holder.bind(('127.0.0.1', 0))
            self.held.append(holder)
            self.ports[name] = holder.getsockname()[1]
        return self.ports[name]

    def url(self, name):
        return 'http://127.0.0.1:%d' % self.port(name)

    def serve(self, names):
        """Starts nginx; the nodes that are not named are down."""
        servers = ''.join('''
            server {
                listen 127.0.0.1:%d;
                location /segments/ { alias "%s/"; }
            }''' % (self.port(name), self.base(name)) for name in names)
        for holder in self.held:
            holder.close()
        self.held = []
        config = os.path.join(self.home, 'nginx.conf')
        with open(config, 'w', encoding='utf-8') as file:
            file.write('''
                daemon off; pid %(home)s/nginx.pid; error_log %(home)s/error;
                worker_processes 1; user root;
                events { worker_connections 256; }
                http {
                    access_log off;
                    types { text/html html; image/png png;
                            application/json json; }
                    client_body_temp_path %(home)s/t1;
                    proxy_temp_path %(home)s/t2;
                    fastcgi_temp_path %(home)s/t3;
                    uwsgi_temp_path %(home)s/t4;
                    scgi_temp_path %(home)s/t5;
                    %(servers)s
                }''' % {'home': self.home, 'servers': servers})
        self.server = subprocess.Popen(
            ['nginx', '-c', config, '-e', self.home + '/error'],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name in names:
            eventually(lambda: socket.socket().connect_ex(
                ('127.0.0.1', self.port(name))) == 0)

    def run(self, name, *options, now=NOW, status=0):
        """The program on a node."""
        ended, _, said = tap.run(
            '-b', self.base(name), '-f', 'none', '--now',
            now.strftime('%Y-%m-%dT%H:%M:%SZ'), *options, 'ch')
        if ended != status:
            raise RuntimeError('exit status %d, not %d: %s' % (
                ended, status, said))

    def close(self):
        if self.server:
            self.server.terminate()
            self.server.wait()


def fleet(site):
    """Six nodes of which one is well; returns the options of the page.

    alpha    makes the page; live, with holes
    bravo    its server is down; live, lacks other times
    charlie  serves its map as 404; stopped 23 h ago
    delta    its last run was a day ago, under a rolling window
    echo     its map is of other hours than its report
    foxtrot  has no report
    """
    nobody = 60 + 4 / 60, 60  # hours ago
    for name, end, *holes in (
            ('alpha', 20 / 3600, nobody, (50, 47), (7 + 28.8 / 3600, 7)),
            ('bravo', 20 / 3600, nobody, (48, 40), (7 + 40 / 3600, 7)),
            ('charlie', 23, (79, 72), nobody),
            ('delta', 24 + 12 / 3600, nobody, (50, 48.5), (30, 29)),
            ('echo', 20 / 3600, nobody, (47, 46), (8, 6)),
            ('foxtrot', 20 / 3600, (70, 65), nobody)):
        at = 80
        for start, stop in *holes, (end, end):
            segments(site.base(name), ago(hours=at), ago(hours=start))
            at = stop
    segments(site.base('alpha'), ago(hours=20), ago(hours=19.5), 'partial')
    options = []
    for name in ('bravo', 'charlie', 'delta', 'echo'):
        site.run(name, *WINDOW,
                 now=ago(hours=24) if name == 'delta' else ago(seconds=14))
        options += ['--peer', '%s=%s' % (name, site.base(name) / TWIN)]
    os.remove(site.base('charlie') / MAP)
    report = site.base('echo').joinpath(TWIN).read_bytes()
    site.run('echo', '--first-hour', '-2d', '--last-hour', 'now')
    site.base('echo').joinpath(TWIN).write_bytes(report)
    site.run('foxtrot', *WINDOW)
    for name in NAMES:
        options += ['--node', '%s=%s' % (name, site.url(name))]
    return options + ['--name', 'alpha', '--make-page', *WINDOW]
