#!/bin/sh
# SPDX-License-Identifier: MIT
# The timeline of a quality: holes, overlaps and what a cutter would join, over
# the hours; what the words mean, worked out by hand.
. "${0%/*}/lib.sh"

case_dir 'holes and the tolerance'
at 02 '00:00 2 full, 00:02.010000 2 full, 00:04.020001 2 full,
    00:08.020001 2 full'
report
is '[.raw.coverage, .raw.hole_count, .raw.hole_duration]' '[8,2,2.010001]'
is '.raw.holes | map(del(.known))' '[{"start":"2025-11-15T02:00:04.010000Z",'\
'"end":"2025-11-15T02:00:04.020001Z","duration":0.010001},'\
'{"start":"2025-11-15T02:00:06.020001Z",'\
'"end":"2025-11-15T02:00:08.020001Z","duration":2}]'
is '.raw.longest_hole == .raw.holes[1], .raw == .editable' 'true
true'
is '.raw.ratio' 0.7992 'rounded down'
report -t 0
is '[.raw.hole_count, .raw.holes[0].duration]' '[3,0.01]'
report -t 2
is '[.raw.hole_count, .raw.hole_duration, .raw.ratio]' '[0,0,1]'

case_dir 'overlaps and the tolerance'
at 02 '00:00 2 full, 00:01.990000 2 suspect, 00:03.979999 2 partial,
    00:04 1 full'
report
is .overlaps '{"full":{"count":1,"duration":1},'\
'"suspect":{"count":0,"duration":0},'\
'"partial":{"count":1,"duration":0.010001}}'
is '[.raw.coverage, .raw.hole_count, .raw.ratio]' '[5.979999,0,1]'
is .end '"2025-11-15T02:00:05.979999Z"' 'not the end of the last'

case_dir 'editable: what a cutter would join'
at 02 '00:00 4 full, 00:03 3 full, 00:06 2 full'
report
is '[.raw.coverage, .raw.hole_count, .raw.ratio]' '[8,0,1]'
is '[.editable.coverage, .editable.hole_count, .editable.ratio]' '[6,1,0.75]'
is '.editable.holes | map(del(.known))' '[{"start":"2025-11-15T02:00:04.000000Z",'\
'"end":"2025-11-15T02:00:06.000000Z","duration":2}]'

case_dir 'over the hour'
at 02 '59:58 1 full'
at 03 '00:05 2 full, 59:58 5 full'
at 04 '00:00 6 suspect'
report
is '.raw.holes[0] | [.start, .end]' \
    '["2025-11-15T02:59:59.000000Z","2025-11-15T03:00:05.000000Z"]' \
    'one hole, of which each hour has its part'
is '[.hours[:2][].raw.holes[0].duration]' '[1,5]'
is '[.hours[] | [.end, .overlaps.suspect.duration, .raw.coverage]]' \
    '[["2025-11-15T02:59:59.000000Z",0,1],["2025-11-15T04:00:03.000000Z",0,7],'\
'["2025-11-15T04:00:06.000000Z",3,3]]' 'a segment is its first hour'"'"'s'

done_testing
