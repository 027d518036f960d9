#!/bin/sh
# SPDX-License-Identifier: MIT
# A plugin for Nagios or Icinga: nagios.sh [OPTION...] CHANNEL
said=$(segment-coverage --check -f none "$@" 2>&1)
case $? in
0)	echo 'COVERAGE OK' ;;
1)	echo "COVERAGE CRITICAL - $said"; exit 2 ;;
*)	echo "COVERAGE UNKNOWN - $said"; exit 3 ;;
esac
