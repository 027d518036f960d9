#!/bin/sh
# SPDX-License-Identifier: MIT
# Names, durations, times and UTF-8: the tables and one hour read: all in parse.c.
exec "${0%/*}/parse"
