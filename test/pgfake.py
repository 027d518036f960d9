#!/usr/bin/python3
"""A PostgreSQL that is of no use.

    pgfake.py MODE

prints the port of 127.0.0.1 on which it listens, until it is killed.

silent   takes connections and never says a word
frozen   lets everybody in and never answers a query
trickle  answers a query with notices, and no end of them
rude     sends notices before and after the login, and for an answer an error,
         all of them with escapes and line ends
odd      answers with one column of something else
hasty    hangs up in the middle of the answer
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


READY = message(b'Z', b'I')
WELCOME = message(b'R', struct.pack('>I', 0))
FAILURE = fields(b'E', 'ERROR', 'no ' + ESCAPE + '\nsecond line') + READY
COLUMN = message(b'T', struct.pack('>H', 1) + b'odd\0' +
                 struct.pack('>IHIhih', 0, 0, 25, -1, -1, 0))
ODD = (COLUMN + message(b'D', struct.pack('>HI', 1, 3) + b'odd') +
       message(b'C', b'SELECT 1\0') + READY)


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
        if mode == 'rude':
            peer.sendall(notice() + FAILURE)
        elif mode == 'odd':
            peer.sendall(ODD)
        elif mode == 'hasty':
            peer.sendall(COLUMN)
            return peer.close()
        while True:
            if mode == 'trickle':
                peer.sendall(notice())
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
