#!/bin/sh
# Names, durations, times and UTF-8: the tables are in parse.c.
exec "${0%/*}/parse"
