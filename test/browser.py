# SPDX-License-Identifier: MIT
"""A headless chromium, driven through chromedriver's WebDriver protocol."""
import base64
import http.client
import json
import subprocess
import tempfile
import time

PATIENCE = 60  # seconds; a busy machine starts a browser slowly
ARGUMENTS = [
    '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic',
    '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
]


def eventually(condition, seconds=PATIENCE):
    """What the condition gives in the end: the first true value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.05)


class Browser:
    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(
            ignore_cleanup_errors=True)
        self.driver = subprocess.Popen(
            ['chromedriver', '--port=0'], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            if 'started successfully on port' in line:
                self.port = int(line.split()[-1].rstrip('.'))
                break
        options = {'args': ARGUMENTS + ['--user-data-dir=' +
                                        self.profile.name]}
        self.session = '/session/' + self.ask('POST', '/session', {
            'capabilities': {'alwaysMatch': {
                'browserName': 'chrome',
                'goog:loggingPrefs': {'browser': 'ALL'},
                'goog:chromeOptions': options}}})['sessionId']

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection('127.0.0.1', self.port,
                                                timeout=2 * PATIENCE)
        try:
            connection.request(method, path,
                               None if body is None else json.dumps(body))
            value = json.loads(connection.getresponse().read())['value']
        finally:
            connection.close()
        if isinstance(value, dict) and 'error' in value:
            raise RuntimeError('%s %s: %s' % (method, path,
                                              value['message']))
        return value

    def open(self, url):
        self.ask('POST', self.session + '/url', {'url': url})

    def run(self, script, *arguments):
        """What the body of a function returns."""
        return self.ask('POST', self.session + '/execute/sync',
                        {'script': script, 'args': arguments})

    def devtools(self, command, **parameters):
        return self.ask('POST', self.session + '/goog/cdp/execute',
                        {'cmd': command, 'params': parameters})

    def screen(self, width, height):
        self.devtools('Emulation.setDeviceMetricsOverride', width=width,
                      height=height, deviceScaleFactor=1, mobile=width < 500)

    def scheme(self, scheme):
        self.devtools('Emulation.setEmulatedMedia', features=[
            {'name': 'prefers-color-scheme', 'value': scheme}])

    def mouse(self, x, y):
        self.devtools('Input.dispatchMouseEvent', type='mouseMoved', x=x, y=y)

    def click(self, x, y):
        for kind in ('mousePressed', 'mouseReleased'):
            self.devtools('Input.dispatchMouseEvent', type=kind, x=x, y=y,
                          button='left', clickCount=1)

    def touch(self, x, y):
        self.devtools('Emulation.setTouchEmulationEnabled', enabled=True)
        for kind, points in (('touchStart', [{'x': x, 'y': y}]),
                             ('touchEnd', [])):
            self.devtools('Input.dispatchTouchEvent', type=kind,
                          touchPoints=points)
        self.devtools('Emulation.setTouchEmulationEnabled', enabled=False)

    def key(self, key):
        """A letter."""
        for kind in ('keyDown', 'keyUp'):
            self.devtools('Input.dispatchKeyEvent', type=kind, key=key,
                          text=key, windowsVirtualKeyCode=ord(key.upper()))

    def screenshot(self, x, y, width, height):
        """A part of the page as a PNG."""
        shot = self.devtools(
            'Page.captureScreenshot', format='png',
            captureBeyondViewport=True,
            clip={'x': x, 'y': y, 'width': width, 'height': height,
                  'scale': 1})
        return base64.b64decode(shot['data'])

    def tabs(self):
        return self.ask('GET', self.session + '/window/handles')

    def close_others(self):
        """Closes all tabs but the first."""
        first, *others = self.tabs()
        for tab in others:
            self.ask('POST', self.session + '/window', {'handle': tab})
            self.ask('DELETE', self.session + '/window')
        self.ask('POST', self.session + '/window', {'handle': first})

    def console(self):
        """The messages since it was last asked."""
        return [entry['message'] for entry in
                self.ask('POST', self.session + '/se/log',
                         {'type': 'browser'})]

    def close(self):
        try:
            self.ask('DELETE', self.session)
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.driver.stdout.close()
            self.profile.cleanup()
