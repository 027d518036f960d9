#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A PostgreSQL that is of no use.

    pgfake.py MODE

prints the port of 127.0.0.1 on which it listens, until it is killed.

silent   takes connections and never says a word
frozen   lets everybody in and never answers a query
trickle  answers a query with notices, and no end of them
rude     sends notices before and after the login, and for an answer an error,
         all of them with escapes and line ends
odd      answers with one column of something else
three    answers with three columns
hasty    hangs up in the middle of the answer
ready    answers that it is ready, and nothing else
copy     wants the answer to be copied in
rows     answers with rows, and no end of them, whatever the limit
wide     the same, of a megabyte each
million  answers with a million rows, and that is all
long     answers with 1,000 nodes whose names and URLs are 8 KiB each
giant    announces a row of 900 MB, and sends it
notify   notifies, and does not stop
settings sets one parameter after another
"""
import socket
import struct
import sys
import threading
import time

ESCAPE = '\033[31m\a\u202e'
REQUESTS = (80877103, 80877104)  # to encrypt with TLS, or GSSAPI


def message(kind, body=b''):
    return kind + struct.pack('>I', len(body) + 4) + body


def fields(kind, severity, text):
    """An error or a notice."""
    return message(kind, b''.join(
        letter + value.encode() + b'\0' for letter, value in
        ((b'S', severity), (b'V', severity), (b'C', '00000'), (b'M', text)))
        + b'\0')


def notice():
    return fields(b'N', 'NOTICE', 'notice ' + ESCAPE + '\nof two lines')


def columns(*names):
    return message(b'T', struct.pack('>H', len(names)) + b''.join(
        name + b'\0' + struct.pack('>IHIhih', 0, 0, 25, -1, -1, 0)
        for name in names))


def row(*cells):
    return message(b'D', struct.pack('>H', len(cells)) + b''.join(
        struct.pack('>I', len(cell)) + cell for cell in cells))


READY = message(b'Z', b'I')
WELCOME = message(b'R', struct.pack('>I', 0))
END = message(b'C', b'SELECT 1\0') + READY
NODES = columns(b'name', b'url')
NODE = row(b'node', b'http://node.example')
ANSWERS = {  # what is sent at once, and what again and again
    'rude': (notice() + fields(b'E', 'ERROR', 'no ' + ESCAPE +
                               '\nsecond line') + READY, b''),
    'odd': (columns(b'odd') + row(b'odd') + END, b''),
    'three': (columns(b'a', b'b', b'c') + row(b'a', b'b', b'c') + END, b''),
    'ready': (READY, b''),
    'copy': (message(b'G', b'\0\0\0'), b''),
    'rows': (NODES, NODE * 1000),
    'wide': (NODES, row(b'n' * 1000000, b'http://node.example')),
    'million': (NODES + NODE * 1000000 + END, b''),
    'long': (NODES + b''.join(
        row(b'%d' % i + b'n' * 8192, b'http://' + b'u' * 8192)
        for i in range(1000)) + END, b''),
    'giant': (NODES + b'D' + struct.pack('>IHI', 900000010, 2, 900000000),
              b'n' * 1000000),
    'notify': (b'', message(b'A', struct.pack('>I', 1) + b'c\0' +
                            b'p' * 7000 + b'\0') * 100),
    'trickle': (b'', notice()),
}


def receive(peer, size):
    data = b''
    while len(data) < size:
        part = peer.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def log_in(peer, mode):
    while True:
        size, code = struct.unpack('>II', receive(peer, 8))
        receive(peer, size - 8)
        if code not in REQUESTS:
            break
        peer.sendall(b'N')
    peer.sendall(WELCOME + (notice() if mode == 'rude' else b'') + READY)


def serve(peer, mode):
    try:
        if mode != 'silent':
            log_in(peer, mode)
            receive(peer, 5)
        if mode == 'hasty':
            peer.sendall(NODES)
            return peer.close()
        once, again = ANSWERS.get(mode, (b'', b''))
        peer.sendall(once)
        count = 0
        while True:
            if mode == 'settings':
                peer.sendall(b''.join(
                    message(b'S', b'%d\0' % (count + i) + b'v' * 7000 + b'\0')
                    for i in range(100)))
                count += 100
            peer.sendall(again)
            if mode == 'trickle' or again == b'' and mode != 'settings':
                time.sleep(0.1)
    except (OSError, EOFError):
        return None


def main():
    listener = socket.create_server(('127.0.0.1', 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        peer, _ = listener.accept()
        threading.Thread(target=serve, args=(peer, sys.argv[1]),
                         daemon=True).start()


main()
